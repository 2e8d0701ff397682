import { assert, assertEquals, assertMatch } from "@std/assert";
import { generateKey } from "shared/auth/api_key.ts";
import { issueApiKey, revokeApiKey, SCOPES } from "../../scripts/admin/client/operator.ts";
import { addTenant, assertRefused, newTenant, post, stack, type Tenant } from "../../scripts/test/support/client.ts";
import {
  type McpReply,
  type McpSend,
  sendLegacy,
  sendMcp,
  sendModern,
  startGateway,
  type TestGateway,
} from "../../scripts/test/support/gateway.ts";
import { callEvents, register, update } from "../../scripts/test/support/mcp_tenant.ts";

const PING = '{"jsonrpc":"2.0","id":7,"method":"ping"}';

function call(gateway: TestGateway, name: string, send: McpSend): Promise<McpReply> {
  return sendModern(gateway, "tools/call", { name, arguments: {} }, send);
}

function codeOf({ status, headers, body }: McpReply): string {
  assertEquals([status, body.error.data.request_id], [200, headers.get("x-request-id")]);
  assertMatch(body.error.message, /\S+ \S+/);
  return body.error.data.code;
}

async function tools(gateway: TestGateway, key: string): Promise<string[]> {
  const { body } = await sendModern(gateway, "tools/list", {}, { key });
  return body.result.tools.map(({ name }: { name: string }) => name).filter((name: string) => !name.startsWith("hub."));
}

Deno.test("a tenant has only its own tools, also when another tenant has the same prefixes", async () => {
  await using gateway = await startGateway();
  const a = await newTenant();
  const sibling: Pick<Tenant, "agent"> = await addTenant(a.organizationId);
  const foreign = await newTenant();
  await register(a);
  for (const other of [sibling, foreign]) {
    const who = other === foreign ? "another organization's tenant" : "another tenant of the organization";
    assertEquals(await tools(gateway, other.agent), [], who);
    for (const name of ["amazon.echo", "AMAZON.echo", "amazon.", "shop"]) {
      assertEquals(codeOf(await call(gateway, name, { key: other.agent })), "no_server", `${name} for ${who}`);
    }
    assertEquals(await callEvents(other), [], who);
  }
  await register(foreign);
  for (const { agent } of [a, foreign]) await call(gateway, "amazon.echo", { key: agent });
  const processes = [a, foreign].map(({ id }) =>
    gateway.executors[0]?.supervisor.slots(id).map(({ process, calls }) => [process.pid, calls])
  );
  assertEquals(processes.map((each) => each?.[0]?.[1]), [1, 1]);
  assert(processes[0]?.[0]?.[0] !== processes[1]?.[0]?.[0]);
  assertEquals((await callEvents(a)).length, 1);
});

Deno.test("authorize's refusals are JSON-RPC errors that name the reason, and start no server", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const reader = await issueApiKey(stack.governance_hub, tenant.id, {
    name: "reader",
    scopes: SCOPES.filter((scope) => scope !== "tools:call"),
  });
  assertEquals(codeOf(await call(gateway, "amazon.echo", { key: reader.key })), "insufficient_scope");
  assertEquals(await tools(gateway, reader.key), []);
  const caller = await issueApiKey(stack.governance_hub, tenant.id, { name: "caller", scopes: ["tools:call"] });
  await update(tenant, { enabled: false });
  assertEquals(codeOf(await call(gateway, "amazon.echo", { key: caller.key })), "server_disabled");
  for (
    const name of ["__proto__", "constructor", "hub.__proto__", "hub.constructor", "HUB.x", "hub.", "stripe.charge"]
  ) {
    assertEquals(["no_server", "no_tool"].includes(codeOf(await call(gateway, name, { key: caller.key }))), true, name);
  }
  for (const name of ["", 1, null, ["amazon.echo"], "x".repeat(257), "a\nb", "\ud800"]) {
    const reply = await sendLegacy(gateway, "tools/call", { name }, { key: caller.key });
    assertEquals(reply.body.error.code, -32602, JSON.stringify(name));
  }
  const list = await sendLegacy(gateway, "tools/call", { name: "amazon.echo", arguments: [] }, { key: caller.key });
  assertMatch(list.body.error.message, /arguments must be an object/);
  assertEquals([gateway.executors[0]?.supervisor.slots(tenant.id), await callEvents(tenant)], [[], []]);
  await update(tenant, { enabled: true });
  assertEquals((await call(gateway, "amazon.echo", { key: caller.key })).body.error, undefined);
  assert((await tools(gateway, caller.key)).includes("amazon.echo"));
  const polluted = await call(gateway, "amazon.__proto__", { key: caller.key });
  assertEquals(polluted.body.error.code, -32602);
});

Deno.test("a key that is limited to services lists and calls only the tools of their servers", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  await register(tenant, { server_id: "mail", tool_prefix: "sendgrid." });
  const issue = async (services: string[]) =>
    (await issueApiKey(stack.governance_hub, tenant.id, { name: "limited", services })).key;
  const [key, none] = [await issue(["sendgrid"]), await issue([])];
  const refused = await call(gateway, "amazon.echo", { key });
  assertEquals(codeOf(refused), "insufficient_scope");
  assertMatch(refused.body.error.message, /only for other services/);
  assertEquals(codeOf(await call(gateway, "sendgrid.echo", { key: none })), "insufficient_scope");
  assertEquals([gateway.executors[0]?.supervisor.slots(tenant.id), await callEvents(tenant)], [[], []]);

  assertEquals((await call(gateway, "sendgrid.echo", { key })).body.error, undefined);
  assertEquals((await callEvents(tenant)).map(({ tool }) => tool), ["sendgrid.echo"]);
  // The second list comes from the gateway's memory, which another key of the tenant has filled in between.
  for (let count = 0; count < 2; count++) {
    const prefixes = new Set((await tools(gateway, key)).map((name) => name.split(".")[0]));
    assertEquals([...prefixes], ["sendgrid"]);
    assert((await tools(gateway, tenant.agent)).includes("amazon.echo"));
  }
  assertEquals(await tools(gateway, none), []);
});

Deno.test("a caller who may not enter gets the project's errors", async () => {
  await using gateway = await startGateway({ executors: 0 });
  const [tenant, foreign] = [await newTenant(), await newTenant()];
  const revoked = await issueApiKey(stack.governance_hub, tenant.id, { name: "revoked" });
  await revokeApiKey(stack.governance_hub, revoked.id);
  const expires_at = new Date(Date.now() - 1000).toISOString();
  const expired = await issueApiKey(stack.governance_hub, tenant.id, { name: "expired", expires_at });
  const refusals: [McpSend, number, string][] = [
    [{}, 401, "unauthenticated"],
    [{ key: "mcp_not-a-key" }, 401, "unauthenticated"],
    [{ key: generateKey("agent") }, 401, "unauthenticated"],
    [{ key: revoked.key }, 401, "unauthenticated"],
    [{ key: expired.key }, 401, "unauthenticated"],
    [{ key: generateKey("kernel"), tenantId: tenant.id }, 401, "unauthenticated"],
    [{ headers: { authorization: `Bearer ${tenant.agent}` } }, 401, "unauthenticated"],
    [{ key: foreign.kernel, tenantId: tenant.id }, 403, "tenant_not_allowed"],
    [{ key: tenant.kernel, tenantId: crypto.randomUUID() }, 403, "tenant_not_allowed"],
    [{ key: foreign.agent, tenantId: tenant.id }, 403, "tenant_not_allowed"],
    [{ key: tenant.kernel }, 400, "invalid_request"],
    [{ key: tenant.kernel, tenantId: "x" }, 400, "invalid_request"],
    [{ key: tenant.agent, headers: { authorization: `Bearer ${tenant.kernel}` } }, 400, "ambiguous_credentials"],
  ];
  for (const [send, status, code] of refusals) {
    for (const method of ["ping", "initialize", "tools/list", "tools/call"]) {
      const params = { name: "amazon.echo", protocolVersion: "2025-11-25" };
      const reply = await sendLegacy(gateway, method, params, send);
      assertRefused({ asked: `${method} ${code}`, ...reply }, status, code);
    }
  }
});

Deno.test("only one JSON-RPC request is taken, by POST, as JSON, of at most 4 MiB", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.agent };
  for (const method of ["GET", "DELETE", "PUT", "OPTIONS"]) {
    const reply = await sendMcp(gateway, undefined, { ...send, method });
    assertRefused({ asked: method, ...reply }, 405, "method_not_allowed");
    assertEquals(reply.headers.get("allow"), "POST", method);
  }
  const refused: [body: string, code: number, said: RegExp][] = [
    ["", -32700, /JSON/],
    ["{", -32700, /JSON/],
    [`[${PING}]`, -32600, /batches/],
    ["[]", -32600, /batches/],
    ['{"jsonrpc":"2.0","method":"tools/call","params":{"name":"amazon.echo"}}', -32600, /"id"/],
    ['{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, /jsonrpc/],
  ];
  for (const [body, code, said] of refused) {
    const reply = await sendMcp(gateway, body, send);
    assertEquals([reply.status, reply.body.error.code], [400, code], body);
    assertMatch(reply.body.error.message, said, body);
  }
  const version = await sendMcp(gateway, PING, { ...send, headers: { "mcp-protocol-version": "1999-01-01" } });
  assertEquals([version.status, version.body.error.code, version.body.id], [400, -32022, 7]);
  const typed = await sendMcp(gateway, PING, { ...send, headers: { "content-type": "text/plain" } });
  assertRefused({ asked: "text/plain", ...typed }, 415, "unsupported_media_type");
  const large = await sendMcp(gateway, PING + " ".repeat(10_000_000), send);
  assertRefused({ asked: "10 MB", ...large }, 413, "payload_too_large");
  for (const accept of ["*/*", "application/json", "text/event-stream", "text/html"]) {
    const reply = await sendLegacy(gateway, "tools/call", { name: "amazon.echo", arguments: { value: accept } }, {
      ...send,
      headers: { accept },
    });
    assertEquals(reply.body.result.content[0].text, accept, accept);
  }
  const megabytes = "x".repeat(3_000_000);
  const echoed = await sendModern(
    gateway,
    "tools/call",
    { name: "amazon.echo", arguments: { value: megabytes } },
    send,
  );
  assertEquals(echoed.body.result.content[0].text.length, megabytes.length);
});

Deno.test("a request that is sent twice is two calls: one decision allows one", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.agent, headers: { "x-request-id": "same" } };
  for (let count = 0; count < 2; count++) {
    assertEquals((await call(gateway, "amazon.echo", send)).body.error, undefined);
  }
  assertEquals((await callEvents(tenant)).map(({ request_id }) => request_id), ["same", "same"]);
});

Deno.test("hub. is reserved, in either case: no server takes it", async () => {
  const { agent } = await newTenant();
  for (const tool_prefix of ["hub.", "HUB.", "Hub.deeper."]) {
    const body = { server_id: "s", name: "n", command: "node", args: ["a"], tool_prefix };
    const reply = await post("governance-hub", "mcp-servers/register", agent, body);
    assertRefused(reply, 400, "invalid_request", "tool_prefix");
    assertMatch(reply.body.error.fields[0].message, /hub/, tool_prefix);
  }
  const near = { server_id: "s", name: "n", command: "node", args: ["a"], tool_prefix: "hubs." };
  assertEquals((await post("governance-hub", "mcp-servers/register", agent, near)).status, 201);
});
