import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { until } from "key-vault-executor/executor/testing/make.ts";
import { sendLegacy, sendMcp, sendModern, startGateway } from "../../scripts/test/support/gateway.ts";
import { callEvents, connect, register, SHOP, update } from "../../scripts/test/support/mcp_tenant.ts";
import { newTenant } from "../../scripts/test/support/client.ts";

Deno.test("an agent registers a server, lists its tools and calls one, with clients of every revision", async () => {
  await using gateway = await startGateway();
  for (const mode of ["legacy", "auto", { pin: "2026-07-28" }] as const) {
    const tenant = await newTenant();
    const client = await connect(gateway, tenant.agent, mode);
    assertEquals(
      (await client.listTools()).tools.filter(({ name }) => !name.startsWith("hub.")),
      [],
      JSON.stringify(mode),
    );
    await register(tenant);
    const { tools } = await client.listTools();
    assert(tools.some(({ name }) => name === "amazon.echo"));
    const { content } = await client.callTool({ name: "amazon.echo", arguments: { value: "hello" } });
    assertEquals(content, [{ type: "text", text: "hello" }]);
    await client.close();
  }
});

Deno.test("a kernel calls the tools of the tenant that it names in the query", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.kernel, tenantId: tenant.id };
  const { body } = await sendModern(gateway, "tools/call", { name: "amazon.echo", arguments: { value: "k" } }, send);
  assertEquals(body.result.content[0].text, "k");
});

Deno.test("progress comes before the result, and nothing is held back", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  for (const mode of ["legacy", "auto"] as const) {
    const client = await connect(gateway, tenant.agent, mode);
    const begun = performance.now();
    const times: number[] = [];
    const onprogress = () => void times.push(performance.now() - begun);
    await client.callTool({ name: "amazon.progress", arguments: { ms: 150 } }, { onprogress });
    assertEquals(times.length, 5, mode);
    assert((times[4] ?? 0) - (times[0] ?? 0) > 400, `${mode}: ${times.join()}`);
    await client.close();
  }
});

Deno.test("each call is an event with how it ended, and without its argument and its result", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.agent, headers: { "x-request-id": "trace-call" } };
  const call = (tool: string) => ({ name: `amazon.${tool}`, arguments: { value: "argument-of-the-call" } });
  for (const sendAs of [sendModern, sendLegacy]) {
    const reply = await sendAs(gateway, "tools/call", call("echo"), send);
    assertEquals(
      [reply.body.result.isError, reply.headers.get("x-request-id")],
      [undefined, "trace-call"],
      sendAs.name,
    );
  }
  assertMatch(JSON.stringify((await sendLegacy(gateway, "tools/call", call("fail"), send)).body), /cannot use/);
  assertMatch(JSON.stringify((await sendModern(gateway, "tools/call", call("die"), send)).body), /server ended/);
  let events: Record<string, unknown>[] = [];
  await until(async () => {
    events = await callEvents(tenant);
    return events.length === 4 && events.every(({ outcome }) => outcome !== null);
  });
  assertEquals(events.map(({ tool, outcome }) => [tool, outcome]), [
    ["amazon.echo", "ok"],
    ["amazon.echo", "ok"],
    ["amazon.fail", "error"],
    ["amazon.die", "server_ended"],
  ]);
  for (const event of events) {
    assertEquals([event.server_id, event.version, event.request_id], ["shop", 1, "trace-call"], String(event.id));
    assert(Number.isInteger(event.milliseconds), String(event.id));
  }
  await until(() => gateway.log().filter(({ function: name }) => name === "mcp").length >= 4);
  assertEquals(JSON.stringify([events, gateway.log()]).includes("argument-of-the-call"), false);
});

Deno.test("a caller that leaves cancels its call, and the event says so", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  for (const sendAs of [sendModern, sendLegacy]) {
    const gone = new AbortController();
    const before = (await callEvents(tenant)).length;
    const call = sendAs(gateway, "tools/call", { name: "amazon.never" }, { key: tenant.agent, signal: gone.signal });
    await until(() => gateway.executors[0]?.supervisor.slots(tenant.id)[0]?.inFlight === 1);
    await until(async () => (await callEvents(tenant)).length === before + 1);
    gone.abort();
    await assertRejects(() => call);
    await until(() => gateway.executors[0]?.supervisor.slots(tenant.id)[0]?.inFlight === 0);
    await until(async () => (await callEvents(tenant)).at(-1)?.outcome === "cancelled");
  }
});

Deno.test("a change of a server is seen by the next call and the next list, and its process ends", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  await register(tenant);
  const call = async () => {
    const call = { name: "amazon.echo", arguments: { value: "ran" } };
    const { body } = await sendModern(gateway, "tools/call", call, { key: tenant.agent });
    return body.result?.content[0].text ?? body.error.data.code;
  };
  const count = async () =>
    (await sendModern(gateway, "tools/list", {}, { key: tenant.agent })).body.result.tools
      .filter(({ name }: { name: string }) => name.startsWith("amazon.")).length;
  const slots = () => gateway.executors[0]?.supervisor.slots(tenant.id) ?? [];
  const pid = () => slots()[0]?.process.pid;
  assertEquals([await call(), await count() > 0], ["ran", true]);
  const first = pid();
  await update(tenant, { enabled: false });
  assertEquals([await call(), await count()], ["server_disabled", 0]);
  await update(tenant, { enabled: true });
  assertEquals([await call(), await count() > 0], ["ran", true]);
  const second = pid();
  await update(tenant, { name: "Another name" });
  assertEquals([await call(), slots().map(({ server }) => server.version)], ["ran", [4]]);
  assertEquals(new Set([first, second, pid()]).size, 3);
  // The hub's own endpoint tells the Executors, also when no call follows.
  const headers = { "x-api-key": tenant.agent, "content-type": "application/json" };
  const body = JSON.stringify({ server_id: "shop" });
  const deleted = await fetch(`${gateway.url}/mcp/servers/delete`, { method: "POST", headers, body });
  assertEquals([deleted.status, (await deleted.json()).data], [200, { server_id: "shop", deleted: true }]);
  await until(() => slots().length === 0);
  assertEquals([await call(), await count()], ["no_server", 0]);
});

Deno.test("the specification's addresses at the gateway are the endpoints of servers", async () => {
  await using gateway = await startGateway({ executors: 0 });
  const tenant = await newTenant();
  const headers = { "x-api-key": tenant.agent, "content-type": "application/json" };
  const post = async (verb: string, body: unknown) => {
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${gateway.url}/mcp/servers/${verb}`, init);
    return [response.status, await response.json()];
  };
  const [status, registered] = await post("register", SHOP);
  assertEquals([status, registered.data.server_id, registered.data.version], [201, "shop", 1]);
  assertEquals((await post("register", { ...SHOP, command: "" }))[0], 400);
  assertEquals((await post("update", { server_id: "shop", name: "New" }))[1].data.version, 2);
  const list = await fetch(`${gateway.url}/mcp/servers/list?enabled_only=true`, { headers });
  assertEquals((await list.json()).data.servers.map(({ name }: { name: string }) => name), ["New"]);
  assertEquals((await post("delete", { server_id: "shop" }))[0], 200);
  assertEquals((await post("elsewhere", {}))[0], 404);
  const without = await fetch(`${gateway.url}/mcp/servers/list`);
  assertEquals([without.status, (await without.json()).error.code], [401, "unauthenticated"]);
});

Deno.test("without an Executor the gateway says what to set, and the rest works", async () => {
  await using gateway = await startGateway({ executors: 0 });
  const tenant = await newTenant();
  await register(tenant);
  const send = { key: tenant.agent };
  assertEquals((await sendModern(gateway, "server/discover", {}, send)).body.result.supportedVersions, ["2026-07-28"]);
  const { body } = await sendModern(gateway, "tools/call", { name: "amazon.echo" }, send);
  assertMatch(body.error.message, /set DECISION_SIGNING_KEY and EXECUTOR_URLS/);
  assertEquals(body.error.data.code, "unavailable");
  const list = await sendModern(gateway, "tools/list", {}, send);
  const leftOut = list.body.result._meta["key-vault-executor/left_out"];
  assertEquals(leftOut, [{ server_id: "shop", reason: "no_executor" }]);
  assertEquals(await callEvents(tenant), []);
});

Deno.test("when no Executor can be reached, the call says so, and so does its event", async () => {
  const gateway = await startGateway({ executors: 2 });
  const tenant = await newTenant();
  await register(tenant);
  for (const executor of gateway.executors) await executor[Symbol.asyncDispose]();
  gateway.executors.splice(0);
  const { body } = await sendModern(gateway, "tools/call", { name: "amazon.echo" }, { key: tenant.agent });
  assertMatch(body.error.message, /no Executor can be reached, so the call did not run/);
  const list = await sendModern(gateway, "tools/list", {}, { key: tenant.agent });
  const leftOut = list.body.result._meta["key-vault-executor/left_out"];
  assertEquals(leftOut, [{ server_id: "shop", reason: "executor_unreachable" }]);
  await until(async () => (await callEvents(tenant))[0]?.outcome === "executor_unreachable");
  await gateway[Symbol.asyncDispose]();
});

Deno.test("a long list of tools comes in pages, each tool once, and a cursor is good for its tenant only", async () => {
  await using gateway = await startGateway({ executors: 2 });
  for (const { folder } of gateway.executors) {
    await Deno.writeTextFile(`${folder}/servers/many.mjs`, MANY_TOOLS);
  }
  const [tenant, other] = [await newTenant(), await newTenant()];
  for (const name of ["b", "a", "c"]) {
    await register(tenant, { server_id: name, tool_prefix: `${name}.`, args: ["many.mjs"] });
  }
  const page = async (cursor?: string, key = tenant.agent) =>
    (await sendModern(gateway, "tools/list", cursor === undefined ? {} : { cursor }, { key })).body;
  const names: string[] = [];
  const sizes: number[] = [];
  let cursor: string | undefined;
  do {
    const { tools, nextCursor, ttlMs, cacheScope } = (await page(cursor)).result;
    const own = tools.map(({ name }: { name: string }) => name).filter((name: string) => !name.startsWith("hub."));
    names.push(...own);
    sizes.push(own.length);
    assertEquals([ttlMs, cacheScope], [0, "private"]);
    if (cursor === undefined) assertEquals((await page(nextCursor, other.agent)).error.code, -32602);
    cursor = nextCursor;
  } while (cursor !== undefined);
  assertEquals(sizes, [500, 400]);
  assertEquals([names.length, names], [new Set(names).size, names.toSorted()]);
  for (const bad of ["", "x", 1, null, "WzEsMl0"]) {
    const reply = await sendModern(gateway, "tools/list", { cursor: bad }, { key: tenant.agent });
    assertEquals(reply.body.error.code, -32602, String(bad));
  }
});

/** A server of 300 tools. */
const MANY_TOOLS = `
import { createInterface } from "node:readline";
const tools = Array.from({ length: 300 }, (_, index) => ({ name: "t" + index, inputSchema: { type: "object" } }));
createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const result = method === "initialize"
    ? { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: "m", version: "1" } }
    : method === "tools/list" ? { tools } : undefined;
  const answer = result === undefined ? { error: { code: -32601, message: "no such method" } } : { result };
  process.stdout.write(JSON.stringify({ jsonrpc: "2.0", id, ...answer }) + "\\n");
}).on("close", () => process.exit(0));
`;

const CAPABILITIES = { tools: {}, prompts: {}, resources: {}, completions: {}, logging: {} };

Deno.test("every initialize is answered with a version that the client can speak, or the newest of its era", async () => {
  await using gateway = await startGateway({ executors: 0 });
  const { agent } = await newTenant();
  for (
    const [asked, given] of [["2025-11-25", "2025-11-25"], ["2024-11-05", "2024-11-05"], ["1999-01-01", "2025-11-25"]]
  ) {
    const { body } = await sendLegacy(gateway, "initialize", { protocolVersion: asked }, { key: agent });
    assertEquals([body.result.protocolVersion, body.result.capabilities], [given, CAPABILITIES]);
  }
  const initialized = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
  const reply = await sendMcp(gateway, initialized, { key: agent });
  assertEquals([reply.status, reply.text], [202, ""]);
  assertEquals((await sendLegacy(gateway, "ping", {}, { key: agent })).body.result, {});
  for (const method of ["resources/subscribe", "subscriptions/listen", "constructor", "server/discover"]) {
    assertEquals((await sendLegacy(gateway, method, {}, { key: agent })).body.error.code, -32601, method);
  }
  const unknown = await sendModern(gateway, "ping", {}, { key: agent });
  assertEquals([unknown.status, unknown.body.error.code], [404, -32601]);
});
