/** Prompts, resources, completions and log messages through the gateway, with an Executor and a server that has them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { callEvents, connect, register, update } from "../../scripts/test/support/mcp_tenant.ts";
import { issueApiKey, SCOPES } from "../../scripts/admin/client/operator.ts";
import { type McpReply, sendLegacy, sendModern, startGateway } from "../../scripts/test/support/gateway.ts";
import { newTenant, stack } from "../../scripts/test/support/client.ts";
import { SECRET } from "key-vault-executor/executor/testing/executor.ts";
import { until } from "key-vault-executor/executor/testing/make.ts";

const LIBRARY = { args: ["library.mjs"] };
const REDACTED = "[redacted AMAZON_API_KEY]";
const LISTS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

/** One call of each kind. */
const CALLS: [method: string, params: Record<string, unknown>, tool: string][] = [
  ["prompts/get", { name: "amazon.greet", arguments: { name: "Ada" } }, "amazon.greet"],
  ["resources/read", { uri: "amazon.test://text" }, "amazon.test://text"],
  [
    "completion/complete",
    { ref: { type: "ref/prompt", name: "amazon.greet" }, argument: { name: "name", value: "Ad" } },
    "amazon.greet",
  ],
  [
    "completion/complete",
    { ref: { type: "ref/resource", uri: "amazon.test://item/{id}" }, argument: { name: "id", value: "7" } },
    "amazon.test://item/{id}",
  ],
];

function codeOf({ status, body }: McpReply): string {
  assertEquals(status, 200);
  return body.error.data.code;
}

Deno.test("an agent lists and uses prompts and resources, with clients of every revision", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  for (const mode of ["legacy", "auto"] as const) {
    const client = await connect(gateway, tenant.agent, mode);
    assertEquals(Object.keys(client.getServerCapabilities() ?? {}).length, 5, mode);
    assertEquals((await client.listPrompts()).prompts.map(({ name }) => name), ["amazon.greet", "amazon.look"]);
    const { resources } = await client.listResources();
    assertEquals(resources.map(({ uri }) => uri), ["amazon.test://blob", "amazon.test://text"]);
    const { resourceTemplates } = await client.listResourceTemplates();
    assertEquals(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ["amazon.test://item/{id}"]);

    const { messages } = await client.getPrompt({ name: "amazon.greet", arguments: { name: "Ada" } });
    assertEquals(messages[0]?.content, { type: "text", text: `greet Ada with ${REDACTED}` });
    // What a tool links to can be read.
    const { content } = await client.callTool({ name: "amazon.links", arguments: {} });
    const uri = content.flatMap((item) => item.type === "resource_link" ? [item.uri] : [])[0] ?? "";
    const { contents } = await client.readResource({ uri });
    assertEquals(contents, [{ uri: "amazon.test://text", text: `the key is ${REDACTED}` }]);
    const ref = { type: "ref/prompt" as const, name: "amazon.greet" };
    const { completion } = await client.complete({ ref, argument: { name: "name", value: "Ad" } });
    assertEquals(completion.values, ["Ad for greet", `with ${REDACTED}`]);
    await client.close();
  }
});

Deno.test("a value of a credential comes out of no prompt, resource, completion, log message or error", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  const replies: McpReply[] = [];
  for (const send of [sendModern, sendLegacy]) {
    for (const [method, params] of CALLS) replies.push(await send(gateway, method, params, { key: tenant.agent }));
    for (const uri of ["amazon.test://blob", "amazon.test://missing"]) {
      replies.push(await send(gateway, "resources/read", { uri }, { key: tenant.agent }));
    }
    replies.push(await send(gateway, "prompts/get", { name: "amazon.missing" }, { key: tenant.agent }));
  }
  replies.push(await sendLegacy(gateway, "tools/call", { name: "amazon.log" }, { key: tenant.agent }));
  const told = replies.map(({ text }) => text).join("\n");
  const bytes = /"blob":"([^"]+)"/.exec(told)?.[1] ?? "";
  assertEquals(atob(bytes), `before ${REDACTED} after`);
  for (const form of [SECRET, btoa(SECRET).slice(0, 40), encodeURIComponent(SECRET)]) {
    assertEquals([told.includes(form), atob(bytes).includes(form)], [false, false]);
  }
  assert(told.split(REDACTED).length > 10, told);
});

Deno.test("each call is an event with its method, its name and how it ended", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  for (const send of [sendModern, sendLegacy]) {
    for (const [method, params] of CALLS) await send(gateway, method, params, { key: tenant.agent });
  }
  await sendModern(gateway, "resources/read", { uri: "amazon.test://missing" }, { key: tenant.agent });
  let events: Record<string, unknown>[] = [];
  await until(async () => {
    events = await callEvents(tenant);
    return events.length === 9 && events.every(({ outcome }) => outcome !== null);
  });
  const expected = CALLS.map(([method, , tool]) => [method, tool, "ok"]);
  assertEquals(events.map(({ method, tool, outcome }) => [method, tool, outcome]), [
    ...expected,
    ...expected,
    ["resources/read", "amazon.test://missing", "error"],
  ]);
});

Deno.test("prompts and resources are refused as tools are, with the reason, and no server is started", async () => {
  await using gateway = await startGateway();
  const [tenant, other] = [await newTenant(), await newTenant()];
  await register(tenant, LIBRARY);
  const issue = async (limits: { scopes?: string[]; services?: string[] }) =>
    (await issueApiKey(stack.governance_hub, tenant.id, { name: "limited", ...limits })).key;
  const reader = await issue({ scopes: SCOPES.filter((scope) => scope !== "tools:call") });
  const elsewhere = await issue({ services: ["sendgrid"] });
  const refused = async (key: string, code: string) => {
    for (const [method, params] of CALLS) {
      assertEquals(codeOf(await sendModern(gateway, method, params, { key })), code, `${method} ${code}`);
    }
  };
  await refused(other.agent, "no_server");
  await refused(reader, "insufficient_scope");
  await refused(elsewhere, "insufficient_scope");
  await update(tenant, { enabled: false });
  await refused(tenant.agent, "server_disabled");
  for (const key of [other.agent, reader, elsewhere, tenant.agent]) {
    for (const method of LISTS.slice(1)) {
      const { result } = (await sendModern(gateway, method, {}, { key })).body;
      assertEquals(Object.values(result).filter(Array.isArray), [[]], method);
      assertEquals([result.ttlMs, result.cacheScope], [0, "private"]);
    }
  }
  const prompt = await sendLegacy(gateway, "prompts/get", { name: "stripe.greet" }, { key: tenant.agent });
  assertMatch(prompt.body.error.message, /no server of this tenant has this prompt: prompts\/list/);
  // `hub.` has tools only.
  assertEquals(
    codeOf(await sendModern(gateway, "prompts/get", { name: "hub.list_servers" }, { key: tenant.agent })),
    "no_server",
  );
  assertEquals([gateway.executors[0]?.supervisor.slots(tenant.id), await callEvents(tenant)], [[], []]);
});

Deno.test("a name or a URI of the wrong form is refused, and a URI of 2,048 characters is not", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  const send = { key: tenant.agent };
  const bad: [string, Record<string, unknown>][] = [
    ...[undefined, 1, "", "a\nb", "\ud800", "x".repeat(2049)].map((uri): [string, Record<string, unknown>] => [
      "resources/read",
      { uri },
    ]),
    ["prompts/get", { name: "x".repeat(257) }],
    ["prompts/get", { name: "amazon.greet", arguments: [] }],
    ["completion/complete", {}],
    ["completion/complete", { ref: { type: "ref/tool", name: "amazon.greet" } }],
  ];
  for (const [method, params] of bad) {
    const { body } = await sendLegacy(gateway, method, params, send);
    assertEquals([body.error.code, body.error.data.code], [-32602, "invalid_request"], JSON.stringify(params));
  }
  assertEquals(await callEvents(tenant), []);
  const start = "amazon.test://item/";
  for (const filling of ["x", "\u{1f4d6}"]) {
    const uri = start + filling.repeat(2048 - start.length);
    const { body } = await sendLegacy(gateway, "resources/read", { uri }, send);
    assertEquals(body.result?.contents[0].uri, uri);
    assertEquals((await callEvents(tenant)).at(-1)?.tool, uri);
  }
});

Deno.test("a server whose prompts cannot be listed is left out of that list only", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  await register(tenant, { server_id: "broken", args: ["library.mjs", "broken"], tool_prefix: "stripe." });
  const list = async (method: string) => (await sendModern(gateway, method, {}, { key: tenant.agent })).body.result;
  const { prompts, _meta } = await list("prompts/list");
  assertEquals(prompts.map(({ name }: { name: string }) => name), ["amazon.greet", "amazon.look"]);
  assertEquals(_meta["key-vault-executor/left_out"], [{ server_id: "broken", reason: "invalid_answer" }]);
  for (const method of ["tools/list", "resources/list"]) {
    const result = await list(method);
    assert(JSON.stringify(result).includes("stripe.") && !("key-vault-executor/left_out" in result._meta), method);
  }
});

Deno.test("logging/setLevel takes a level of MCP, and a call's log messages come before its result", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant, LIBRARY);
  const send = { key: tenant.agent };
  assertEquals((await sendLegacy(gateway, "logging/setLevel", { level: "debug" }, send)).body.result, {});
  for (const level of [undefined, "loud", 1]) {
    const { body } = await sendLegacy(gateway, "logging/setLevel", { level }, send);
    assertEquals(body.error.code, -32602);
    assertMatch(body.error.message, /debug, info/);
  }
  assertEquals((await sendLegacy(gateway, "logging/setLevel", { level: "debug" }, {})).status, 401);
  const modern = await sendModern(gateway, "logging/setLevel", { level: "debug" }, send);
  assertEquals([modern.status, modern.body.error.code], [404, -32601]);
  const { text } = await sendLegacy(gateway, "tools/call", { name: "amazon.log" }, send);
  const told = [...text.matchAll(/^data: (.+)$/gm)].map(([, line = ""]) => JSON.parse(line));
  assertEquals(told.map(({ method, result }) => method ?? result.content[0].text), ["notifications/message", "logged"]);
});

Deno.test("a client of 2025 that subscribes to a resource is told what to do instead", async () => {
  await using gateway = await startGateway({ executors: 0 });
  const { agent } = await newTenant();
  for (const method of ["resources/subscribe", "resources/unsubscribe"]) {
    const { body } = await sendLegacy(gateway, method, { uri: "amazon.test://text" }, { key: agent });
    assertEquals([body.error.code, body.error.data.code], [-32601, "method_not_found"]);
    assertMatch(body.error.message, /read the resource again/);
  }
});
