import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertRefused, get, newTenant, post, RFC3339, send, UUID } from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";
const EVENTS = "credentials/events";

Deno.test("GET /credentials/events lists each action once, newest first, with its actor and request id", async () => {
  const { agent, kernel, id: tenant_id } = await newTenant();
  const act = (key: string, verb: string, body: Record<string, unknown>, requestId: string) =>
    send(VAULT, `credentials/${verb}`, { key, body, headers: { "x-request-id": requestId } });
  const credentials = { api_key: "secret-canary" };
  const stored = (await act(agent, "store", { service: "amazon", credentials }, "r1")).body.data;
  await act(kernel, "store", { service: "amazon", credentials, tenant_id }, "r2");
  await act(agent, "retrieve", { credential_id: stored.credential_id }, "r3");
  await act(kernel, "retrieve", { service: "amazon", tenant_id }, "r4");
  await act(agent, "delete", { service: "amazon" }, "r5");

  const { status, body, text } = await get(VAULT, EVENTS, agent);
  assertEquals([status, body.data.count, body.data.next_cursor], [200, 5, null]);
  assert(!text.includes("secret-canary") && !text.includes(agent) && !text.includes('api_key":'));
  const told = body.data.events.map((event: Record<string, string>) => {
    assertMatch(event.id ?? "", UUID);
    assertMatch(event.occurred_at ?? "", RFC3339);
    assertMatch(event.actor_id ?? "", UUID);
    assertEquals(
      [event.credential_id, event.service, event.credential_type],
      [stored.credential_id, "amazon", "api_key"],
    );
    return [event.action, event.actor_kind, event.request_id];
  });
  assertEquals(told, [
    ["delete", "agent", "r5"],
    ["retrieve", "kernel", "r4"],
    ["retrieve", "agent", "r3"],
    ["replace", "kernel", "r2"],
    ["store", "agent", "r1"],
  ]);
  assertEquals((await get(VAULT, `${EVENTS}?tenant_id=${tenant_id}`, kernel)).body.data, body.data);
});

Deno.test("GET /credentials/events has no events of refused requests", async () => {
  const { agent } = await newTenant();
  const other = await newTenant();
  await post(VAULT, "credentials/store", agent, { service: "amazon", credentials: { a: 1 } });
  const refused: [string, string, Record<string, unknown>, number][] = [
    [agent, "store", { service: "amazon", credentials: {} }, 400],
    [agent, "retrieve", { service: "none" }, 404],
    [agent, "delete", { service: "none" }, 404],
    [other.agent, "retrieve", { service: "amazon" }, 404],
    [other.agent, "delete", { service: "amazon" }, 404],
    [other.agent, "retrieve", { service: "amazon", tenant_id: crypto.randomUUID() }, 403],
  ];
  for (const [key, verb, body, status] of refused) {
    assertEquals(
      (await post(VAULT, `credentials/${verb}`, key, body)).status,
      status,
      `${verb} ${JSON.stringify(body)}`,
    );
  }
  assertEquals((await get(VAULT, EVENTS, agent)).body.data.count, 1);
  assertEquals((await get(VAULT, EVENTS, other.agent)).body.data.count, 0);
});

Deno.test("GET /credentials/events pages through, and filters by action, service and time", async () => {
  const { agent } = await newTenant();
  for (const service of ["a", "b", "c"]) {
    await post(VAULT, "credentials/store", agent, { service, credentials: { a: 1 } });
    await post(VAULT, "credentials/retrieve", agent, { service });
  }
  const ask = async (query: string) => (await get(VAULT, `${EVENTS}?${query}`, agent)).body.data;
  const all = (await ask("")).events;
  const seen = [];
  for (let query = "limit=4"; query !== "";) {
    const page = await ask(query);
    seen.push(...page.events);
    query = page.next_cursor === null ? "" : `limit=4&cursor=${page.next_cursor}`;
  }
  assertEquals([all.length, seen], [6, all]);
  assertEquals((await ask("action=retrieve")).count, 3);
  assertEquals((await ask("service=b")).events.map((event: { action: string }) => event.action), ["retrieve", "store"]);
  const middle = encodeURIComponent(all[2].occurred_at);
  assertEquals((await ask(`since=${middle}`)).events, all.slice(0, 3));
  assertEquals((await ask(`until=${middle}&service=a`)).events, all.slice(4));
});

Deno.test("GET /credentials/events answers 400 to malformed parameters, and to another tenant's cursor", async () => {
  const { agent } = await newTenant();
  const other = await newTenant();
  for (const service of ["a", "b"]) {
    await post(VAULT, "credentials/store", other.agent, { service, credentials: { a: 1 } });
  }
  const { next_cursor } = (await get(VAULT, `${EVENTS}?limit=1`, other.agent)).body.data;
  const bad = [["action", "update"], ["service", "*"], ["since", "now"], ["until", "infinity"], [
    "cursor",
    next_cursor,
  ]];
  for (const [name, value] of bad) {
    assertRefused(await get(VAULT, `${EVENTS}?${name}=${value}`, agent), 400, "invalid_request", name);
  }
});
