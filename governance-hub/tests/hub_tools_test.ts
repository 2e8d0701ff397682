import { assert, assertEquals, assertMatch } from "@std/assert";
import { HUB_TOOLS } from "governance-hub/supabase/functions/mcp/hub_tools/hub_tools.ts";
import { get, newTenant, post, stack } from "../../scripts/test/support/client.ts";
import { generateKey } from "shared/auth/api_key.ts";
import { issueApiKey } from "../../scripts/admin/client/operator.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";
import { callHubTool as call, type ToolReply } from "../../scripts/test/support/hub_tools.ts";
import { sendLegacy, sendModern, startGateway, type TestGateway } from "../../scripts/test/support/gateway.ts";

/** A gateway without an Executor: the hub's tools need none. */
function startTools(VAULT_URL = stack.key_vault_executor.url): Promise<TestGateway> {
  return startGateway({ executors: 0, environment: { VAULT_URL } });
}

function logOf(gateway: TestGateway): string {
  return gateway.log().map((line) => JSON.stringify(line)).join("\n");
}

const HUB = "governance-hub";
const VAULT = "key-vault-executor";

/** Made up. */
const VALUE = "made-up-value-9f3b77c1";

function assertFailed({ isError, content, structuredContent }: ToolReply, code: string, text: RegExp) {
  assertEquals([isError, structuredContent.error.code], [true, code]);
  assertMatch(content[0]?.text ?? "", new RegExp(`^${code}: `));
  assertMatch(content[0]?.text ?? "", text);
  assert(content[0]?.text.endsWith(`request_id: ${structuredContent.request_id}`));
}

function dataOf({ isError, content, structuredContent }: ToolReply) {
  assertEquals(isError, undefined, content[0]?.text);
  assertEquals(JSON.parse(content[0]?.text ?? ""), structuredContent);
  return structuredContent;
}

Deno.test("hub.register_server, list, update and delete do what REST does, with events that have the request's id", async () => {
  await using gateway = await startTools();
  const { agent } = await newTenant();
  const server = newServer("s");
  const registered = dataOf(await call(gateway, agent, "hub.register_server", server, { requestId: "r1" }));
  assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.servers, [registered]);
  const listed = dataOf(await call(gateway, agent, "hub.list_servers"));
  assertEquals(listed, { servers: [registered], count: 1, next_cursor: null });
  const changes = { server_id: "s", enabled: false, if_version: 1 };
  const updated = dataOf(await call(gateway, agent, "hub.update_server", changes, { requestId: "r2" }));
  assertEquals([updated.enabled, updated.version], [false, 2]);
  assertEquals(dataOf(await call(gateway, agent, "hub.list_servers", { enabled_only: true })).count, 0);
  const deleted = dataOf(await call(gateway, agent, "hub.delete_server", { server_id: "s" }, { requestId: "r3" }));
  assertEquals(deleted, { server_id: "s", deleted: true });
  const { events } = (await get(HUB, "mcp-servers/events", agent)).body.data;
  assertEquals(events.map((event: Record<string, unknown>) => [event.action, event.request_id]), [
    ["delete", "r3"],
    ["update", "r2"],
    ["register", "r1"],
  ]);
});

Deno.test("hub.list_servers pages by limit and cursor", async () => {
  await using gateway = await startTools();
  const { agent } = await newTenant();
  for (const id of ["a", "b", "c"]) await post(HUB, "mcp-servers/register", agent, newServer(id));
  const first = dataOf(await call(gateway, agent, "hub.list_servers", { limit: 2 }));
  const rest = dataOf(await call(gateway, agent, "hub.list_servers", { limit: 2, cursor: first.next_cursor }));
  const ids = [...first.servers, ...rest.servers].map(({ server_id }) => server_id);
  assertEquals([ids, rest.next_cursor], [["a", "b", "c"], null]);
});

Deno.test("the hub's tools refuse bad arguments as REST does, and say what to do", async () => {
  await using gateway = await startTools();
  const { agent } = await newTenant();
  await post(HUB, "mcp-servers/register", agent, newServer("s"));
  const bad: [name: string, args: Record<string, unknown> | string, code: string, text: RegExp][] = [
    ["hub.register_server", {}, "invalid_request", /- server_id: is required\n/],
    ["hub.register_server", { ...newServer(), colour: 1 }, "invalid_request", /- colour: is not a field/],
    ["hub.register_server", newServer("s"), "server_id_taken", /update it, or choose another/],
    ["hub.register_server", { ...newServer(), tool_prefix: "ps." }, "tool_prefix_taken", /of the server s; choose/],
    [
      "hub.register_server",
      { ...newServer(), args: [`ghp_${"a".repeat(36)}`] },
      "secret_in_args",
      /hub\.store_credential/,
    ],
    ["hub.list_servers", { limit: 0 }, "invalid_request", /- limit: must be a whole number/],
    ["hub.list_servers", { enabled_only: "maybe" }, "invalid_request", /- enabled_only: must be one of true, false/],
    ["hub.list_servers", { cursor: ["x"] }, "invalid_request", /- cursor: /],
    ["hub.update_server", { server_id: "s", name: "" }, "invalid_request", /- name: must be 1 to 200/],
    ["hub.update_server", { server_id: "none", name: "a" }, "not_found", /hub\.list_servers/],
    ["hub.update_server", { server_id: "s", name: "a", if_version: 9 }, "version_mismatch", /at version 1/],
    ["hub.delete_server", { server_id: "none" }, "not_found", /not found in this tenant/],
    ["hub.delete_server", '{"server_id": "s", "server_id": "s"}', "invalid_request", /has the same name twice/],
    ["hub.server_status", { server_id: " " }, "invalid_request", /- server_id: must be/],
    ["hub.store_credential", { service: "a" }, "invalid_request", /- credentials: is required/],
    [
      "hub.store_credential",
      '{"service": "a", "credentials": {"n": 9007199254740993}}',
      "invalid_request",
      /parsers round; send it as/,
    ],
    ["hub.list_credentials", { service: "" }, "invalid_request", /- service: must be/],
    ["hub.delete_credential", {}, "invalid_request", /send either credential_id, or service/],
    ["hub.delete_credential", { service: "none" }, "not_found", /hub\.list_credentials/],
  ];
  for (const [name, args, code, text] of bad) assertFailed(await call(gateway, agent, name, args), code, text);
  assertEquals((await get(HUB, "mcp-servers/list", agent)).body.data.count, 1);
});

Deno.test("hub.store_credential stores exactly what was sent; the value is in no answer, event or log line", async () => {
  await using gateway = await startTools();
  const { agent } = await newTenant();
  const args = `{"service": "amazon", "credentials": {"api_key": "${VALUE}", "__proto__": {"n": 1.50}}}`;
  const stored = await call(gateway, agent, "hub.store_credential", args, { requestId: "c1" });
  const again = await call(gateway, agent, "hub.store_credential", args, { requestId: "c2" });
  assertEquals(dataOf(stored).credential_id, dataOf(again).credential_id);
  const listed = await call(gateway, agent, "hub.list_credentials", { service: "amazon" });
  assertEquals(dataOf(listed).credentials[0].id, dataOf(stored).credential_id);
  const retrieved = await post(VAULT, "credentials/retrieve", agent, { service: "amazon" });
  assert(retrieved.text.includes(`{"api_key":"${VALUE}","__proto__":{"n":1.5}}`), retrieved.asked);
  const refused = await call(gateway, agent, "hub.store_credential", { service: "", credentials: { api_key: VALUE } });
  assertFailed(refused, "invalid_request", /service/);
  const deleted = await call(gateway, agent, "hub.delete_credential", { service: "amazon" }, { requestId: "c3" });
  assertEquals(dataOf(deleted).deleted, true);

  const events = await get(VAULT, "credentials/events", agent);
  const told = events.body.data.events.map((event: Record<string, unknown>) => [event.action, event.request_id]);
  assertEquals(told.filter(([action]: string[]) => action !== "retrieve"), [
    ["delete", "c3"],
    ["replace", "c2"],
    ["store", "c1"],
  ]);
  assertMatch(logOf(gateway), /"request_id":"c1","function":"hub\.store_credential".*"status":201/);
  for (const text of [events.text, logOf(gateway), JSON.stringify([stored, again, listed, refused, deleted])]) {
    assert(!text.includes(VALUE) && !text.includes(agent), "a value or a key was told");
  }
});

Deno.test("the hub's tools refuse a key without the scope exactly as REST refuses it", async () => {
  await using gateway = await startTools();
  const { agent, id } = await newTenant();
  await post(HUB, "mcp-servers/register", agent, newServer("s"));
  const cases: [
    name: string,
    scope: string,
    args: Record<string, unknown>,
    project: typeof HUB | typeof VAULT,
    path: string,
  ][] = [
    ["hub.register_server", "servers:write", newServer(), HUB, "mcp-servers/register"],
    ["hub.list_servers", "servers:read", {}, HUB, "mcp-servers/list"],
    ["hub.update_server", "servers:write", { server_id: "s", name: "a" }, HUB, "mcp-servers/update"],
    ["hub.delete_server", "servers:write", { server_id: "s" }, HUB, "mcp-servers/delete"],
    ["hub.server_status", "servers:read", {}, HUB, "mcp-servers/list"],
    [
      "hub.store_credential",
      "credentials:write",
      { service: "a", credentials: { a: "b" } },
      VAULT,
      "credentials/store",
    ],
    ["hub.list_credentials", "credentials:read", {}, VAULT, "credentials/list"],
    ["hub.delete_credential", "credentials:write", { service: "a" }, VAULT, "credentials/delete"],
  ];
  const all = ["servers:read", "servers:write", "credentials:read", "credentials:write"];
  for (const [name, scope, args, project, path] of cases) {
    const scopes = all.filter((each) => each !== scope);
    const { key } = await issueApiKey(stack.governance_hub, id, { name: "narrow", scopes });
    const reply = await call(gateway, key, name, args);
    assertFailed(reply, "insufficient_scope", new RegExp(`lacks the scope ${scope}\n`));
    const rest = path.endsWith("/list") ? await get(project, path, key) : await post(project, path, key, args);
    assertEquals([rest.status, rest.body.error], [403, reply.structuredContent.error], name);
  }
  const mistyped = `${agent.slice(0, -1)}${agent.endsWith("0") ? "1" : "0"}`;
  const revoked = await sendLegacy(gateway, "tools/call", { name: "hub.list_servers" }, { key: generateKey("agent") });
  for (
    const reply of [revoked, await sendLegacy(gateway, "tools/call", { name: "hub.list_servers" }, { key: mistyped })]
  ) {
    assertEquals([reply.status, reply.body.error.code], [401, "unauthenticated"]);
  }
});

Deno.test("the hub's tools act for the tenant that a kernel names, and for no other", async () => {
  await using gateway = await startTools();
  const { agent, kernel, id } = await newTenant();
  const other = await newTenant();
  const named = { tenantId: id };
  dataOf(await call(gateway, kernel, "hub.register_server", newServer("s"), named));
  assertEquals(dataOf(await call(gateway, kernel, "hub.list_servers", {}, named)).count, 1);
  assertEquals(dataOf(await call(gateway, agent, "hub.list_servers")).count, 1);
  dataOf(await call(gateway, kernel, "hub.store_credential", { service: "a", credentials: { a: "b" } }, named));
  assertEquals(dataOf(await call(gateway, kernel, "hub.list_credentials", {}, named)).count, 1);
  const foreign = await call(gateway, kernel, "hub.delete_server", { server_id: "s" }, { tenantId: other.id });
  assertFailed(foreign, "tenant_not_allowed", /cannot act for that tenant/);
  const two = await call(gateway, kernel, "hub.delete_server", { server_id: "s", tenant_id: other.id }, named);
  assertFailed(two, "invalid_request", /has the same name twice/);
  const twice = await call(gateway, kernel, "hub.list_servers", { tenant_id: other.id }, named);
  assertFailed(twice, "invalid_request", /was given more than once/);
  assertFailed(await call(gateway, other.agent, "hub.delete_server", { server_id: "s" }), "not_found", /not found/);
});

Deno.test("the hub's tools say which variable is missing, or that the vault gave no answer of its form", async () => {
  const { agent } = await newTenant();
  {
    await using gateway = await startGateway({ executors: 0 });
    assertFailed(await call(gateway, agent, "hub.list_credentials"), "unavailable", /must set VAULT_URL\n/);
    const status = await call(gateway, agent, "hub.server_status");
    assertFailed(status, "unavailable", /must set DECISION_SIGNING_KEY and EXECUTOR_URLS\n/);
    assertEquals(dataOf(await call(gateway, agent, "hub.list_servers")).count, 0);
  }
  const seen: string[] = [];
  await using elsewhere = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    seen.push(new URL(request.url).pathname);
    return Response.redirect(new URL("/elsewhere", request.url));
  });
  await using gateway = await startTools(`http://127.0.0.1:${elsewhere.addr.port}`);
  const args = { service: "a", credentials: { api_key: VALUE } };
  const reply = await call(gateway, agent, "hub.store_credential", args);
  assertFailed(reply, "unavailable", /send the request again later/);
  assertEquals(seen, ["/functions/v1/credentials/store"]);
  assertMatch(logOf(gateway), /the vault gave no answer of its form \(TypeError\): check VAULT_URL/);
  assert(!logOf(gateway).includes(VALUE));
});

Deno.test("hub.server_status tells of every server of a tenant whose list has several pages", async () => {
  await using gateway = await startGateway({ executors: 1 });
  const { agent } = await newTenant();
  // A page ends at 1 MiB.
  const args = Array.from({ length: 8 }, () => "a".repeat(4000));
  const ids = Array.from({ length: 40 }, (_, index) => `s${String(index).padStart(2, "0")}`);
  for (const server_id of ids) {
    const server = { ...newServer(server_id), args, tool_prefix: `${server_id}.` };
    assertEquals((await post(HUB, "mcp-servers/register", agent, server)).status, 201, server_id);
  }
  assert((await get(HUB, "mcp-servers/list", agent)).body.data.next_cursor !== null);
  const { servers } = dataOf(await call(gateway, agent, "hub.server_status"));
  assertEquals(servers.map(({ server_id }: { server_id: string }) => server_id), ids);
});

Deno.test("tools/list has only the hub's tools that the key's scopes allow", async () => {
  await using gateway = await startTools();
  const { agent, id } = await newTenant();
  const { key } = await issueApiKey(stack.governance_hub, id, { name: "reader", scopes: ["servers:read"] });
  const list = async (key: string) => (await sendModern(gateway, "tools/list", {}, { key })).body.result.tools;
  assertEquals((await list(agent)).map(({ name }: { name: string }) => name), HUB_TOOLS.map(({ tool }) => tool.name));
  const [first, second, ...rest] = await list(key);
  assertEquals([first.name, second.name, rest], ["hub.list_servers", "hub.server_status", []]);
  assertEquals(Object.keys(first).sort(), ["annotations", "description", "inputSchema", "name", "title"]);
});

Deno.test("a server that an agent registers by MCP has its tools in the next list", async () => {
  await using gateway = await startGateway();
  const { agent } = await newTenant();
  const server = { ...newServer("s"), args: ["misbehave.mjs"], tool_prefix: "amazon." };
  dataOf(await call(gateway, agent, "hub.register_server", server));
  const { tools } = (await sendModern(gateway, "tools/list", {}, { key: agent })).body.result;
  assert(tools.some(({ name }: { name: string }) => name === "amazon.echo"));
});
