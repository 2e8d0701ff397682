import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { callHubTool } from "../../scripts/test/support/hub_tools.ts";
import { connect, register, SHOP, update } from "../../scripts/test/support/mcp_tenant.ts";
import { hear, type Heard, listenTo, openInstance, TOOLS } from "../../scripts/test/support/listener.ts";
import { issueApiKey, revokeApiKey } from "../../scripts/admin/client/operator.ts";
import { McpError } from "../supabase/functions/mcp/protocol/mcp_error.ts";
import { newTenant, post, stack } from "../../scripts/test/support/client.ts";
import { sendModern, startGateway, type TestGateway } from "../../scripts/test/support/gateway.ts";
import { startDatabaseProxy } from "../../scripts/test/support/database_proxy.ts";
import { until } from "key-vault-executor/executor/testing/make.ts";

const TOOLS_CHANGED = "notifications/tools/list_changed";
const SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

function startAlone(environment: Record<string, string> = {}): Promise<TestGateway> {
  return startGateway({ executors: 0, environment });
}

Deno.test("a client hears of each change within 5 s, by REST and by MCP", async () => {
  await using gateway = await startAlone();
  const tenant = await newTenant();
  const client = await connect(gateway, tenant.agent, { pin: "2026-07-28" });
  let heard = 0;
  client.setNotificationHandler(TOOLS_CHANGED, () => void heard++);
  const subscription = await client.listen(TOOLS);
  assertEquals(subscription.honoredFilter, TOOLS);
  const changes: (() => Promise<unknown>)[] = [
    () => register(tenant),
    () => update(tenant, { enabled: false }),
    () => post("governance-hub", "mcp-servers/delete", tenant.agent, { server_id: "shop" }),
    () => callHubTool(gateway, tenant.agent, "hub.register_server", SHOP),
    () => callHubTool(gateway, tenant.agent, "hub.update_server", { server_id: "shop", name: "New" }),
    () => callHubTool(gateway, tenant.agent, "hub.delete_server", { server_id: "shop" }),
  ];
  for (const change of changes) {
    const before = heard;
    await change();
    const begun = performance.now();
    await until(() => heard === before + 1);
    assert(performance.now() - begun < 5000, `${changes.indexOf(change)}`);
  }
  await subscription.close();
  assertEquals(await subscription.closed, "local");
  await client.close();
});

Deno.test("a client that is told to watch its tools listens by itself, and has the new list", async () => {
  await using gateway = await startGateway();
  const tenant = await newTenant();
  const lists: string[][] = [];
  const onChanged = (_: Error | null, tools: { name: string }[] | null) =>
    void lists.push((tools ?? []).map(({ name }) => name));
  const client = new Client({ name: "test", version: "1" }, {
    versionNegotiation: { mode: "auto" },
    listChanged: { tools: { onChanged } },
  });
  const requestInit = { headers: { "x-api-key": tenant.agent } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${gateway.url}/mcp`), { requestInit }));
  assertEquals(client.autoOpenedSubscription?.honoredFilter, TOOLS);
  await register(tenant);
  await until(() => lists.some((names) => names.includes("amazon.echo")));
  await client.close();
});

Deno.test("what was asked for is acknowledged first, and each list is announced with the subscription's id", async () => {
  await using gateway = await startAlone();
  const tenant = await newTenant();
  const gone = new AbortController();
  const all = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true };
  const notifications = { ...all, resourceSubscriptions: ["file:///a"], unknownMember: true };
  const listener = await listenTo(gateway, tenant.agent, notifications, gone.signal);
  assertEquals(listener.response.headers.get("content-type"), "text/event-stream");
  await until(() => listener.messages.length === 1);
  const _meta = { [SUBSCRIPTION]: "listen-1" };
  assertEquals(listener.messages[0], {
    jsonrpc: "2.0",
    method: "notifications/subscriptions/acknowledged",
    params: { notifications: all, _meta },
  });
  await register(tenant);
  await until(() => listener.messages.length === 4);
  const announced = ["tools", "prompts", "resources"].map((list) => `notifications/${list}/list_changed`);
  assertEquals(
    listener.messages.slice(1),
    announced.map((method) => ({ jsonrpc: "2.0", method, params: { _meta } })),
  );
  gone.abort();
  await listener.over;
});

Deno.test("a listener that asks for nothing that is offered gets the end at once, and a bad filter an error", async () => {
  await using gateway = await startAlone();
  const { agent } = await newTenant();
  for (const notifications of [{}, { toolsListChanged: false }, { resourceSubscriptions: ["file:///a"] }]) {
    const listener = await listenTo(gateway, agent, notifications);
    await listener.over;
    const [acknowledged, end, ...rest] = listener.messages;
    assertEquals([acknowledged.params.notifications, rest], [{}, []]);
    assertEquals([end.id, end.result.resultType, end.result._meta[SUBSCRIPTION]], ["listen-1", "complete", "listen-1"]);
  }
  for (const notifications of [undefined, null, [], "tools", { toolsListChanged: 1 }]) {
    const { body } = await sendModern(gateway, "subscriptions/listen", { notifications }, { key: agent });
    assertEquals([body.error.code, body.error.data.code], [-32602, "invalid_request"], String(notifications));
    assertMatch(body.error.message, /toolsListChanged/);
  }
  const { body } = await sendModern(gateway, "server/discover", {}, { key: agent });
  for (const list of ["tools", "prompts", "resources"]) {
    assertEquals(body.result.capabilities[list], { listChanged: true }, list);
  }
});

Deno.test("a listener hears of no other tenant's changes, and of many changes at once as of one", async () => {
  await using database = startDatabaseProxy(stack.governance_hub.url, () => undefined);
  await using instance = await openInstance({}, database.url);
  const [tenant, other] = [await newTenant(), await newTenant()];
  const listener = hear((await instance.listen(tenant.agent)).stream?.body);
  const looks = async (count: number) => {
    const enough = database.calls.length + count;
    await until(() => database.calls.length >= enough);
  };
  await register(other);
  await looks(3);
  assertEquals(listener.changes(), []);
  await Promise.all(["a", "b", "c", "d"].map((id) => register(tenant, { server_id: id, tool_prefix: `${id}.` })));
  await looks(3);
  const { length } = listener.changes();
  assert(length >= 1 && length < 4, `${length}`);
  await looks(3);
  assertEquals(listener.changes().length, length);
});

Deno.test("a revoked key ends its streams within one look, with an error that says so, and in the log", async () => {
  await using gateway = await startAlone();
  const tenant = await newTenant();
  const { key, id } = await issueApiKey(stack.governance_hub, tenant.id, { name: "listener" });
  const listener = await listenTo(gateway, key);
  await until(() => listener.messages.length === 1);
  await revokeApiKey(stack.governance_hub, id);
  await listener.over;
  const { error, id: answered } = listener.messages[1];
  assertEquals([answered, error.code, error.data.code], ["listen-1", -32600, "unauthenticated"]);
  await until(() => gateway.log().some(({ code }) => code === "unauthenticated"));
  const refused = await listenTo(gateway, key);
  assertEquals(refused.response.status, 401);
  await refused.over;
});

Deno.test("nothing goes on when a listener has left, and its request is logged with its duration", async () => {
  await using database = startDatabaseProxy(stack.governance_hub.url, () => undefined);
  await using gateway = await startAlone({ SUPABASE_URL: database.url });
  const { agent } = await newTenant();
  const gone = new AbortController();
  const listener = await listenTo(gateway, agent, TOOLS, gone.signal);
  await until(() => database.calls.length >= 2);
  gone.abort();
  await listener.over;
  const ofListener = () => gateway.log().find(({ actor_kind }) => actor_kind === "agent");
  await until(() => ofListener() !== undefined);
  assertEquals([ofListener()?.status, Number(ofListener()?.ms) >= 2000], [200, true]);
  const { length } = database.calls;
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assertEquals(database.calls.length, length);
});

const CHECKED = { sanitizeOps: true, sanitizeResources: true };

// Deno finds a timer or a read that is left.
Deno.test("a listener that has left before it is answered leaves nothing", CHECKED, async () => {
  await using instance = await openInstance({});
  const { agent } = await newTenant();
  const { stream } = await instance.listen(agent, { signal: AbortSignal.abort() });
  await stream?.ended;
  const gone = new AbortController();
  const answer = await instance.listen(agent, { signal: gone.signal });
  gone.abort();
  await answer.stream?.ended;
  const cancelled = await instance.listen(agent);
  await cancelled.stream?.body.cancel();
  await cancelled.stream?.ended;
});

Deno.test("a stream ends in order after its time, or with its instance, and is kept alive until then", async () => {
  const { agent } = await newTenant();
  {
    await using instance = await openInstance({ keepAliveMs: 20, maxMs: 300 });
    const begun = performance.now();
    const listener = hear((await instance.listen(agent)).stream?.body);
    await listener.over;
    assert(performance.now() - begun >= 290);
    const { id, result } = listener.messages[1];
    assertEquals([id, result.resultType, result._meta[SUBSCRIPTION]], ["listen-1", "complete", "listen-1"]);
    assertEquals(new Set(listener.comments), new Set([": keepalive"]));
  }
  await using instance = await openInstance({});
  const listeners = [await instance.listen(agent), await instance.listen(agent)].map(({ stream }) =>
    hear(stream?.body)
  );
  instance.endAll();
  for (const { over, messages } of listeners) {
    await over;
    assertEquals(messages.at(-1).result.resultType, "complete");
  }
});

Deno.test("while the database is away the stream stays, and then tells what changed", async () => {
  let isAway = false;
  await using database = startDatabaseProxy(stack.governance_hub.url, () => isAway ? away() : undefined);
  await using instance = await openInstance({}, database.url);
  const tenant = await newTenant();
  const listener = hear((await instance.listen(tenant.agent)).stream?.body);
  isAway = true;
  await register(tenant);
  const { length } = database.calls;
  await until(() => database.calls.length >= length + 3);
  assertEquals(listener.messages.length, 1);
  isAway = false;
  await until(() => listener.changes().length === 1);
});

function away(): Promise<Response> {
  return Promise.resolve(Response.json({ code: "PGRST000", message: "no connection" }, { status: 503 }));
}

Deno.test("callers with one key share a look; one caller and all of them have a bounded number of streams", async () => {
  await using database = startDatabaseProxy(stack.governance_hub.url, () => undefined);
  await using instance = await openInstance({ pollMs: 200, maxListeners: 4, maxOfCaller: 3 }, database.url);
  const [tenant, other] = [await newTenant(), await newTenant()];
  const gone = new AbortController();
  const listeners: Heard[] = [];
  for (const signal of [gone.signal, undefined, undefined]) {
    listeners.push(hear((await instance.listen(tenant.agent, signal && { signal })).stream?.body));
  }
  const isBusy = async (key: string) => {
    const error = await assertRejects(() => instance.listen(key), McpError);
    assertMatch(error.message, /listen again later/);
    return [error.rpcCode, error.code];
  };
  assertEquals(await isBusy(tenant.agent), [-32603, "busy"]);
  await instance.listen(other.agent);
  assertEquals(await isBusy((await newTenant()).agent), [-32603, "busy"]);
  gone.abort();
  await listeners[0]?.over;
  await instance.listen(tenant.agent);
  const { length } = database.calls;
  const begun = performance.now();
  await until(() => database.calls.length >= length + 12);
  // Two callers, so six rounds.
  assert(performance.now() - begun > 950, `${performance.now() - begun}`);
  await register(tenant);
  await until(() => listeners.slice(1).every(({ changes }) => changes().length === 1));
});

Deno.test("a listener that does not read holds few events, and hears of the rest as one", async () => {
  await using database = startDatabaseProxy(stack.governance_hub.url, () => undefined);
  await using instance = await openInstance({ pollMs: 10 }, database.url);
  const tenant = await newTenant();
  const { stream } = await instance.listen(tenant.agent);
  await register(tenant);
  for (let change = 0; change < 12; change++) {
    await update(tenant, { name: `${change}` });
    const { length } = database.calls;
    await until(() => database.calls.length >= length + 2);
  }
  const listener = hear(stream?.body);
  await until(() => listener.changes().length >= 4);
  instance.endAll();
  await listener.over;
  assert(listener.changes().length < 8, `${listener.changes().length}`);
});
