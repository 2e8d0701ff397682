import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { until } from "key-vault-executor/executor/testing/make.ts";
import { newTenant, stack, type Tenant } from "../../scripts/test/support/client.ts";
import { type DatabaseProxy, startDatabaseProxy } from "../../scripts/test/support/database_proxy.ts";
import { sendLegacy, sendModern, startGateway, type TestGateway } from "../../scripts/test/support/gateway.ts";
import { callEvents, register } from "../../scripts/test/support/mcp_tenant.ts";

const ECHO = { name: "amazon.echo", arguments: { value: "hello" } };

interface Shop extends AsyncDisposable {
  gateway: TestGateway;
  database: DatabaseProxy;
  tenant: Tenant;
}

/** A gateway whose calls to its database a test may delay or answer, and a tenant with a server. */
async function openShop(meddle: Parameters<typeof startDatabaseProxy>[1]): Promise<Shop> {
  const database = startDatabaseProxy(stack.governance_hub.url, meddle);
  const gateway = await startGateway({ environment: { SUPABASE_URL: database.url } });
  const tenant = await newTenant();
  await register(tenant);
  return {
    gateway,
    database,
    tenant,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

function refused(): Promise<Response> {
  return Promise.resolve(new Response(null, { status: 503 }));
}

Deno.test("no byte of an answer comes before its event is on the disk, and the call does not wait for it to begin", async () => {
  const { promise: mayRecord, resolve: allow } = Promise.withResolvers<void>();
  await using shop = await openShop((name) => name === "flush_events" ? mayRecord.then(() => undefined) : undefined);
  const { gateway, tenant } = shop;
  let answered = 0;
  const replies = [sendModern, sendLegacy].map(async (send) => {
    const reply = await send(gateway, "tools/call", ECHO, { key: tenant.agent });
    answered++;
    return reply;
  });
  // The tool has run, and its result waits at the gateway.
  await until(() => gateway.executors[0]?.supervisor.slots(tenant.id)[0]?.calls === 2);
  await until(() => gateway.executors[0]?.supervisor.slots(tenant.id)[0]?.inFlight === 0);
  assertEquals(answered, 0);
  allow();
  for (const { body } of await Promise.all(replies)) assertEquals(body.result.content[0].text, "hello");
  assertEquals((await callEvents(tenant)).length, 2);
});

Deno.test("a caller that leaves before its event is on the disk has cancelled its call, too", async () => {
  const { promise: mayRecord, resolve: allow } = Promise.withResolvers<void>();
  await using shop = await openShop((name) => name === "flush_events" ? mayRecord.then(() => undefined) : undefined);
  const { gateway, tenant } = shop;
  const gone = new AbortController();
  const send = { key: tenant.agent, signal: gone.signal };
  const progress = { name: "amazon.progress", arguments: { ms: 60_000 }, _meta: { progressToken: 1 } };
  const calls = [
    sendModern(gateway, "tools/call", { name: "amazon.never" }, send),
    sendLegacy(gateway, "tools/call", { name: "amazon.never" }, send),
    sendLegacy(gateway, "tools/call", progress, send),
  ];
  const inFlight = () => gateway.executors[0]?.supervisor.slots(tenant.id)[0]?.inFlight;
  await until(() => inFlight() === 3);
  gone.abort();
  for (const call of calls) await assertRejects(() => call);
  await until(() => inFlight() === 0);
  allow();
  await until(async () => (await callEvents(tenant)).every(({ outcome }) => outcome === "cancelled"));
});

Deno.test("a call that cannot be recorded has no result, and says that it may have run", async () => {
  await using shop = await openShop((name) => name === "flush_events" ? refused() : undefined);
  const { gateway, tenant } = shop;
  for (const send of [sendModern, sendLegacy]) {
    const { body } = await send(gateway, "tools/call", ECHO, { key: tenant.agent });
    assertMatch(body.error.message, /could not be recorded.*may have run/);
    assertEquals(body.error.data.code, "unavailable");
  }
});

Deno.test("a call has its result and its event even if its end cannot be written", async () => {
  await using shop = await openShop((name) => name === "end_call" ? refused() : undefined);
  const { gateway, tenant } = shop;
  const { body } = await sendModern(gateway, "tools/call", ECHO, { key: tenant.agent });
  assertEquals(body.result.content[0].text, "hello");
  await until(() => gateway.log().some(({ failed }) => failed === "to record how a call ended"));
  assertEquals((await callEvents(tenant)).map(({ outcome }) => outcome), [null]);
});

Deno.test("an unchanged tenant costs one read of the database, and no server is read", async () => {
  const known: unknown[] = [];
  await using shop = await openShop(() => undefined);
  const { gateway, database, tenant } = shop;
  for (let count = 0; count < 3; count++) {
    const { body } = await sendModern(gateway, "tools/list", {}, { key: tenant.agent });
    known.push(body.result.tools.length);
  }
  assertEquals([database.calls, new Set(known).size], [Array(3).fill("list_callable_servers"), 1]);
  assert(Number(known[0]) > 0);
  const calls = database.calls.length;
  await sendModern(gateway, "tools/call", ECHO, { key: tenant.agent });
  await until(() => database.calls.length === calls + 3);
  assertEquals(database.calls.slice(calls), ["authorize_call", "flush_events", "end_call"]);
});
