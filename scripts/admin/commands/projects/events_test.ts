import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  admin,
  adminProcess,
  assertNothingSecretPrinted,
  fail,
  fill,
  hubSql,
  json,
  newTenant,
  request,
  server,
  text,
  vaultSql,
} from "../../../test/support/admin/program.ts";

interface RecordedEvent {
  id: string;
  project: string;
  action: string;
  occurred_at: string;
  tenant_id: string;
  server_id?: string;
  service?: string;
  request_id: string | null;
}

async function exported(...words: string[]): Promise<RecordedEvent[]> {
  const lines = (await text("events", "export", ...words)).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line));
}

function actions(events: RecordedEvent[]): string[] {
  return events.map(({ action }) => action);
}

/** Creates a tenant with one event of each kind, in this order. */
async function busyTenant(name: string) {
  const tenant = await newTenant(name);
  await fill(tenant.key, "first");
  await request(tenant.key, "mcp-servers/update", { server_id: "first", name: "Second", enabled: false });
  await request(tenant.key, "credentials/retrieve", { service: "first" });
  await request(tenant.key, "mcp-servers/register", server("other"));
  await request(tenant.key, "credentials/delete", { service: "first" });
  await request(tenant.key, "mcp-servers/delete", { server_id: "first" });
  return tenant;
}

const ALL = ["register", "store", "update", "retrieve", "register", "delete", "delete"];
const HUB_EVENT =
  /^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z +governance-hub +update enabled name +first +agent \S{36} +\S{36}$/m;

Deno.test("events list merges both projects by time, oldest first", async () => {
  const tenant = await busyTenant("listed");
  const { events, more } = await json("events", "list", "listed");
  assertEquals([actions(events), more], [ALL, false]);
  const [register, store] = events;
  assertEquals([register.project, register.server_id, register.version], ["governance-hub", "first", 1]);
  assertEquals([store.project, store.service, store.actor_kind], ["key-vault-executor", "first", "agent"]);
  assert(events.every((event: RecordedEvent) => event.tenant_id === tenant.id));
  const shown = await text("events", "list", "of-listed/listed");
  assertMatch(shown, HUB_EVENT);
  assertMatch(shown, /Z +key-vault-executor +retrieve +first api_key +agent /m);
  assertEquals(await text("events", "list", "acme-lab"), "There are no such events.\n");
});

Deno.test("events list filters by action, service, server, time and number", async () => {
  await busyTenant("narrowed");
  const list = async (...words: string[]) => await json("events", "list", "narrowed", ...words);
  assertEquals(actions((await list("--action", "delete")).events), ["delete", "delete"]);
  assertEquals(actions((await list("--service", "first")).events), ["store", "retrieve", "delete"]);
  assertEquals(actions((await list("--server-id", "other")).events), ["register"]);
  const all: RecordedEvent[] = (await list()).events;
  const moment = all[3]?.occurred_at ?? "";
  assertEquals(actions((await list("--since", moment)).events), ALL.slice(3));
  assertEquals(actions((await list("--until", moment)).events), ALL.slice(0, 3));
  assertEquals(actions((await list("--since", "1h")).events), ALL);
  assertEquals((await list("--until", "1h")).events, []);
  const two = await list("--limit", "2");
  assertEquals([actions(two.events), two.more], [ALL.slice(0, 2), true]);
  assertEquals((await list("--limit", "7")).more, false);
  assertMatch(
    await text("events", "list", "narrowed", "--limit", "2"),
    /\nThere are more events\. Continue with --since 20\S+, or/,
  );
});

Deno.test("events export prints lines of JSON for all tenants, or for the options given", async () => {
  const tenant = await busyTenant("exported");
  const mine = await exported("--tenant", "exported");
  assertEquals(actions(mine), ALL);
  assertEquals(actions(await exported("--tenant", tenant.id, "--project", "governance-hub")), [
    "register",
    "update",
    "register",
    "delete",
  ]);
  assertEquals(actions(await exported("--tenant", tenant.id, "--project", "key-vault-executor", "--action", "store")), [
    "store",
  ]);
  const since = mine[4]?.occurred_at ?? "";
  assertEquals(actions(await exported("--tenant", tenant.id, "--since", since, "--json")), ALL.slice(4));
  const all = await exported();
  const moments = all.map(({ occurred_at }) => occurred_at);
  assertEquals(moments, moments.toSorted());
  assert(new Set(all.map(({ tenant_id }) => tenant_id)).size > 1);
  assertEquals(await text("events", "export", "--until", "2020-01-01"), "");
});

Deno.test("events of a deleted tenant can be listed by its id", async () => {
  const tenant = await busyTenant("leaving");
  await text("tenant", "delete", "leaving", "--yes");
  const { events } = await json("events", "list", tenant.id.toUpperCase());
  assertEquals(actions(events), [...ALL, "delete"]);
  assertEquals(events.at(-1).actor_kind, "operator");
  assertEquals(actions(await exported("--tenant", tenant.id)), [...ALL, "delete"]);
  await fail(["events", "list", "leaving"], /there is no tenant "leaving"/);
});

Deno.test("events list shows the server that a credential was used for", async () => {
  const tenant = await newTenant("used");
  await vaultSql`
    insert into public.credential_events
      (tenant_id, action, credential_id, service, credential_type, actor_kind, actor_id, request_id, executor_id, server_id)
    values (
      ${tenant.id}, 'use', gen_random_uuid(), 'amazon', 'api_key', 'agent', gen_random_uuid(), 'call-1', gen_random_uuid(),
      'my-server'
    )`;
  const [event] = (await json("events", "list", "used", "--action", "use")).events;
  assertEquals([event.action, event.service, event.server_id], ["use", "amazon", "my-server"]);
  assertMatch(event.executor_id, /^[0-9a-f-]{36}$/);
  const shown = await text("events", "list", "used", "--action", "use");
  assertMatch(shown, /Z +key-vault-executor +use +amazon api_key for my-server +agent \S{36} +call-1$/m);
});

Deno.test("events export has every event once, across pages and microseconds apart", async () => {
  const tenantId = crypto.randomUUID();
  // The projects alternate, a microsecond apart, so that some times end in zeros.
  const moment = (sql: typeof hubSql, odd: number) =>
    sql`timestamptz '2026-01-01 00:00:00Z' + (2 * n + ${odd}) * interval '1 microsecond'`;
  await hubSql`
    insert into public.mcp_server_events (tenant_id, occurred_at, action, server_id, registration_id, version, actor_kind)
    select ${tenantId}, ${moment(hubSql, 0)}, 'register', 's', gen_random_uuid(), 1, 'operator'
    from generate_series(0, 2499) as n`;
  await vaultSql`
    insert into public.credential_events (tenant_id, occurred_at, action, credential_id, service, credential_type, actor_kind)
    select ${tenantId}, ${moment(vaultSql, 1)}, 'store', gen_random_uuid(), 's', 'api_key', 'operator'
    from generate_series(0, 1999) as n`;
  const events = await exported("--tenant", tenantId);
  assertEquals(new Set(events.map(({ id }) => id)).size, 4500);
  assertEquals(actions(events), [
    ...Array.from({ length: 4000 }, (_, n) => n % 2 === 0 ? "register" : "store"),
    ...Array(500).fill("register"),
  ]);
  const until = await exported("--tenant", tenantId, "--until", "2026-01-01T00:00:00.000010Z");
  assertEquals(until.length, 10);
});

Deno.test("events export ends without an error when its reader ends", async () => {
  const process = adminProcess(["events", "export"]).spawn();
  const reader = process.stdout.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  assert(value !== undefined && value.byteLength > 0);
  const [{ code }, err] = await Promise.all([process.status, new Response(process.stderr).text()]);
  assertEquals([code, err], [0, ""]);
});

Deno.test("events commands explain invalid options", async () => {
  const list = ["events", "list", "acme-shop"];
  await fail(["events", "list", "nobody"], /there is no tenant "nobody"/);
  await fail([...list, "--since", "soon"], /--since must be like 24h, 7d, 2026-01-31 or .*, not "soon"/);
  await fail([...list, "--until", "2026-02-30"], /--until must be like/);
  await fail([...list, "--since", "1h", "--until", "2h"], /--since must not be after --until/);
  await fail(
    [...list, "--action", "steal"],
    /'steal' is invalid\. Allowed choices are register, update, delete, call, store/,
  );
  await fail(
    [...list, "--service", "a", "--server-id", "b"],
    /use --service \(for credentials\) or --server-id \(for servers\), not both/,
  );
  await fail([...list, "--limit", "0"], /'0' is invalid\. It must be a whole number from 1 to 99999/);
  await fail(["events", "export", "--project", "hub"], /Allowed choices are governance-hub, key-vault-executor/);
  await fail(["events", "export", "--since", "soon"], /--since must be like/);
  assertMatch((await admin(["events", "export", "--help"])).out, /start ten seconds before its end/);
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
