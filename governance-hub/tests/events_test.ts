import { assert, assertEquals, assertMatch } from "@std/assert";
import { assertRefused, get, newTenant, post, RFC3339, send, UUID } from "../../scripts/test/support/client.ts";
import { newServer } from "../../scripts/test/support/endpoints.ts";

const HUB = "governance-hub";
const EVENTS = "mcp-servers/events";

Deno.test("GET /mcp-servers/events lists each change once, newest first, with its actor and request id", async () => {
  const { agent, kernel, id: tenant_id } = await newTenant();
  const act = (key: string, verb: string, body: Record<string, unknown>, requestId: string) =>
    send(HUB, `mcp-servers/${verb}`, { key, body, headers: { "x-request-id": requestId } });
  const registered = (await act(agent, "register", newServer("s"), "r1")).body.data;
  await act(kernel, "update", { server_id: "s", tenant_id, name: "secret-canary", enabled: false }, "r2");
  await act(agent, "delete", { server_id: "s" }, "r3");

  const { status, body, text } = await get(HUB, EVENTS, agent);
  assertEquals([status, body.data.count, body.data.next_cursor], [200, 3, null]);
  assert(!text.includes("secret-canary") && !text.includes(agent) && !text.includes("server.js"));
  const told = body.data.events.map(({ id, occurred_at, actor_id, ...event }: Record<string, string>) => {
    assertMatch(id ?? "", UUID);
    assertMatch(occurred_at ?? "", RFC3339);
    assertMatch(actor_id ?? "", UUID);
    return event;
  });
  const uncalled = { method: null, tool: null, milliseconds: null, outcome: null };
  const event = { server_id: "s", registration_id: registered.id, ...uncalled };
  assertEquals(told, [
    { action: "delete", ...event, version: 2, changed_fields: null, actor_kind: "agent", request_id: "r3" },
    {
      action: "update",
      ...event,
      version: 2,
      changed_fields: ["enabled", "name"],
      actor_kind: "kernel",
      request_id: "r2",
    },
    { action: "register", ...event, version: 1, changed_fields: null, actor_kind: "agent", request_id: "r1" },
  ]);
  const times = body.data.events.map((event: { occurred_at: string }) => event.occurred_at);
  assertEquals(times, [...times].sort().reverse());
  assertEquals((await get(HUB, `${EVENTS}?tenant_id=${tenant_id}`, kernel)).body.data, body.data);
});

Deno.test("GET /mcp-servers/events has no events of refused requests, or of updates without effect", async () => {
  const { agent } = await newTenant();
  const other = await newTenant();
  await post(HUB, "mcp-servers/register", agent, newServer("s"));
  const refused: [string, string, Record<string, unknown>, number][] = [
    [agent, "register", newServer("s"), 409],
    [agent, "register", { ...newServer(), tool_prefix: "ps." }, 409],
    [agent, "register", { ...newServer(), args: [] }, 400],
    [agent, "update", { server_id: "s", name: "b", if_version: 9 }, 412],
    [agent, "update", { server_id: "none", name: "b" }, 404],
    [agent, "delete", { server_id: "s", if_version: 9 }, 412],
    [agent, "delete", { server_id: "none" }, 404],
    [other.agent, "delete", { server_id: "s" }, 404],
    [agent, "update", { server_id: "s", name: "A server" }, 200],
  ];
  for (const [key, verb, body, status] of refused) {
    assertEquals((await post(HUB, `mcp-servers/${verb}`, key, body)).status, status, `${verb} ${JSON.stringify(body)}`);
  }
  assertEquals((await get(HUB, EVENTS, agent)).body.data.count, 1);
  assertEquals((await get(HUB, EVENTS, other.agent)).body.data.count, 0);
});

Deno.test("GET /mcp-servers/events pages through, and filters by action, server and time", async () => {
  const { agent } = await newTenant();
  for (const id of ["a", "b", "c"]) {
    await post(HUB, "mcp-servers/register", agent, newServer(id));
    await post(HUB, "mcp-servers/update", agent, { server_id: id, name: "x" });
  }
  const ask = async (query: string) => (await get(HUB, `${EVENTS}?${query}`, agent)).body.data;
  const all = (await ask("")).events;
  const seen = [];
  for (let query = "limit=4"; query !== "";) {
    const page = await ask(query);
    seen.push(...page.events);
    query = page.next_cursor === null ? "" : `limit=4&cursor=${page.next_cursor}`;
  }
  assertEquals([all.length, seen], [6, all]);
  assertEquals((await ask("action=update")).count, 3);
  assertEquals((await ask("server_id=b")).events.map((event: { action: string }) => event.action), [
    "update",
    "register",
  ]);
  const middle = encodeURIComponent(all[2].occurred_at);
  assertEquals((await ask(`since=${middle}`)).events, all.slice(0, 3));
  assertEquals((await ask(`until=${middle}`)).events, all.slice(3));
  assertEquals((await ask(`since=${middle}&until=${middle}`)).count, 0);
  assertEquals((await ask("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.999999%2B23:59")).count, 6);
  const utc = middle.replace("%2B00%3A00", "z").replace("T", "t");
  assertEquals((await ask(`since=${utc.replace("z", "000z")}`)).events, all.slice(0, 3));
  assertEquals((await ask(`since=${utc.replace("z", "001z")}`)).events, all.slice(0, 2));
  assertEquals((await ask(`until=${utc.replace("z", "001z")}`)).events, all.slice(2));
});

Deno.test("GET /mcp-servers/events answers 400 to malformed parameters, and to another tenant's cursor", async () => {
  const { agent } = await newTenant();
  const other = await newTenant();
  for (const id of ["a", "b"]) await post(HUB, "mcp-servers/register", other.agent, newServer(id));
  const { next_cursor } = (await get(HUB, `${EVENTS}?limit=1`, other.agent)).body.data;
  const crafted = (...parts: string[]) => btoa(JSON.stringify(["x", ...parts])).replaceAll("=", "");
  const bad: [string, string][] = [
    ["action", "retrieve"],
    ["server_id", " "],
    ...[
      "yesterday",
      "2026-01-01",
      "2026-02-30T00:00:00Z",
      "2026-01-01T00:00:00",
      "2026-01-01T25:00:00Z",
      "0000-01-01T00:00:00Z",
      "2026-01-01T00:00:00%2B24:00",
      "2026-01-01T00:00:00+01:00",
      "infinity",
    ].flatMap((time): [string, string][] => [["since", time], ["until", time]]),
    ["cursor", next_cursor],
    ["cursor", "x"],
    ["cursor", crafted("now", crypto.randomUUID())],
    ["cursor", crafted("2026-01-01T00:00:00Z", "1")],
  ];
  for (const [name, value] of bad) {
    assertRefused(await get(HUB, `${EVENTS}?${name}=${value}`, agent), 400, "invalid_request", name);
  }
});
