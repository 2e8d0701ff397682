/**
 * The vault's secret key cannot write text that forges the output of `admin`, no page of the vault exceeds 1 MiB, and all
 * times have one form.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type postgres from "postgres";
import { openCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, refuses, sealed } from "../suites/isolation.ts";

const PAGE = 1000;
const MAX_PAGE_BYTES = 1_048_576;

const TENANT_ID = "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11";
const NO_TENANT_IDS = [
  "",
  "x",
  TENANT_ID.toUpperCase(),
  TENANT_ID.slice(1),
  `${TENANT_ID}0`,
  `${TENANT_ID}\n`,
  `\x1b[2K${TENANT_ID}`,
  TENANT_ID.replaceAll("-", ""),
  TENANT_ID.replace("b", "g"),
  `{${TENANT_ID}}`,
];
const KEY_IDS = ["0123456789abcdef", "default"];
const NO_KEY_IDS = ["", "0123456789abcde", "0123456789abcdef0", "0123456789ABCDEF", "0123456789abcdeg", "default\n"]
  .concat("Default", "0123456789abcde\n", "\x1b[1A the key may be removed", "0123456789abcdef\u202e");

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

function test(name: string, work: (fixture: Fixture) => Promise<void>): void {
  Deno.test(name, async () => {
    const fixture = await openFixture(cluster, await cluster.createProject("key-vault-executor"), "key-vault-executor");
    try {
      await work(fixture);
    } finally {
      await fixture.close();
    }
  });
}

test("store_credential accepts only a well-formed key id, and only a lower-case UUID as the tenant's id", async ({ sql, a }) => {
  const store = (tenantId: string, keyId: string) =>
    call(sql, "store_credential", { ...a.caller, tenant_id: tenantId }, { ...sealed("s"), encryption_key_id: keyId });
  for (const keyId of KEY_IDS) await store(TENANT_ID, keyId);
  for (const keyId of NO_KEY_IDS) await refuses(store(TENANT_ID, keyId), "23514", JSON.stringify(keyId));
  // The policy of the event refuses first. No call comes without a tenant.
  for (const tenantId of NO_TENANT_IDS) {
    await refuses(store(tenantId, "0123456789abcdef"), tenantId ? "42501" : "PT401", JSON.stringify(tenantId));
  }
});

test("reseal_credentials accepts only a well-formed key id", async ({ sql, a, owner }) => {
  await call(sql, "store_credential", a.caller, sealed("s"));
  const [row] = await owner`select id from public.tenant_credentials`;
  const bytes = "A".repeat(48);
  const reseal = (keyId: string) => {
    const swap = { id: row?.id, expected: bytes, encrypted_credentials: bytes, encryption_key_id: keyId };
    return call(sql, "reseal_credentials", [swap], "a-rotation");
  };
  for (const keyId of KEY_IDS) assertEquals(await reseal(keyId), { resealed: 1 }, keyId);
  for (const keyId of NO_KEY_IDS) await refuses(reseal(keyId), "23514", JSON.stringify(keyId));
});

test("no single column can be changed to a malformed value", async ({ sql, a, owner }) => {
  await call(sql, "store_credential", a.caller, sealed("s"));
  const set = (column: string, value: string) =>
    owner`update public.tenant_credentials set ${owner({ [column]: value })}`;
  for (const keyId of NO_KEY_IDS) await refuses(set("encryption_key_id", keyId), "23514", JSON.stringify(keyId));
  for (const tenantId of NO_TENANT_IDS) await refuses(set("tenant_id", tenantId), "23514", JSON.stringify(tenantId));
  await set("encryption_key_id", "default");
  await set("tenant_id", TENANT_ID);
});

test("an event requires a well-formed tenant's id", async ({ owner }) => {
  const insert = (tenantId: string) =>
    owner.begin(async (transaction) => {
      await transaction`select set_config('app.tenant_id', ${tenantId}, true)`;
      await transaction`set local role tenant_scope`;
      await insertEvents(transaction, tenantId, "a", 1);
    });
  await insert(TENANT_ID);
  for (const tenantId of NO_TENANT_IDS) await refuses(insert(tenantId), "42501", JSON.stringify(tenantId));
});

test("close_tenant and set_credential_quota accept only a well-formed tenant's id", async ({ sql, owner }) => {
  const setQuota = (tenantId: string) =>
    sql.begin(async (transaction) => {
      await transaction`set local role service_role`;
      await transaction`select set_credential_quota(${tenantId}, 1)`;
    });
  for (const work of [setQuota, (tenantId: string) => call(sql, "close_tenant", tenantId)]) {
    for (const tenantId of NO_TENANT_IDS) await refuses(work(tenantId), "23514", JSON.stringify(tenantId));
    await work(TENANT_ID);
  }
  assertEquals((await owner`select from public.vault_tenants`).count, 1);
});

test(`${PAGE} of the largest credentials, or events, fit into a page below 1 MiB`, async ({ sql, owner, a }) => {
  // Every form allows only ASCII that JSON does not escape, so a character is a byte.
  const longest = "/".padStart(60, "z");
  await owner`alter table public.tenant_credentials disable trigger admit_credential`;
  await owner`
    insert into public.tenant_credentials
      (tenant_id, service, credential_type, encrypted_credentials, encryption_key_id, last_used_at)
    select ${a.id}, ${longest} || 1000 + n, repeat('z', 64), decode(repeat('ab', 40), 'hex'), '0123456789abcdef', now()
    from generate_series(1, ${PAGE}) as n`;
  await insertEvents(owner, a.id, "z".repeat(128), PAGE);
  for (const column of ["service", "credential_type"]) {
    await refuses(
      owner`update public.tenant_credentials set ${owner(column)} = ${owner(column)} || 'z'`,
      "23514",
      column,
    );
  }
  for (const [name, member] of [["list_credentials", "credentials"], ["list_credential_events", "events"]] as const) {
    const page = await call(sql, name, a.caller, { limit: PAGE });
    assertEquals([page[member].length, page.more], [PAGE, false], name);
    const bytes = new TextEncoder().encode(JSON.stringify(page)).byteLength;
    assert(bytes > 300 * PAGE && bytes < MAX_PAGE_BYTES, `${name}: ${bytes} bytes`);
  }
});

test("a time has six digits of a second and the offset +00:00, in every time zone of the session", async ({ sql, owner, a }) => {
  const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;
  await sql`set time zone 'Asia/Kolkata'`;
  const stored = await call(sql, "store_credential", a.caller, sealed("s"));
  assertMatch(stored.created_at, TIME);
  const whole = "2026-01-31T22:00:00.000000+00:00";
  await owner`
    update public.tenant_credentials set created_at = ${whole}, updated_at = '2026-02-01T03:30:00.5+05:30'
    where tenant_id = ${a.id}`;
  const [one] = (await call(sql, "list_credentials", a.caller, { limit: 1 })).credentials;
  assertEquals([one.created_at, one.updated_at, one.last_used_at], [whole, "2026-01-31T22:00:00.500000+00:00", null]);
  await call(sql, "retrieve_credential", a.caller, { service: "s", credential_type: "api_key" });
  const { credentials: [used] } = await call(sql, "list_credentials", a.caller, { limit: 1 });
  assertMatch(used.last_used_at, TIME);
  const [shown] = await call(sql, "list_tenant_credentials", { tenant_id: a.id });
  assertEquals([shown.created_at, shown.last_used_at], [whole, used.last_used_at]);
  const { events } = await call(sql, "list_credential_events", a.caller, { limit: 2 });
  const all = [
    await call(sql, "list_events", {}),
    await call(sql, "list_events", { tenant_id: a.id }),
  ];
  for (
    const times of [events.toReversed(), ...all].map((rows) =>
      rows.map((row: Record<string, string>) => row.occurred_at)
    )
  ) {
    assertEquals(times.length, 2, times.join());
    for (const time of times) assertMatch(time, TIME, times.join());
    assert(times[0] < times[1], times.join());
  }
});

test("pages of events are sorted to the microsecond", async ({ sql, owner, a }) => {
  await insertEvents(owner, a.id, "a", 50);
  const [expected] = await owner`
    select array_agg(id order by occurred_at desc, id desc) as ids from public.credential_events`;
  const seen: string[] = [];
  let after: Record<string, string> | undefined;
  while (seen.length < 50) {
    const filter = { limit: 7, ...(after && { after }) };
    const { events } = await call(sql, "list_credential_events", a.caller, filter);
    seen.push(...events.map(({ id }: { id: string }) => id));
    const last = events.at(-1);
    after = { tenant_id: a.id, occurred_at: last.occurred_at, id: last.id };
  }
  assertEquals(seen, expected?.ids);
});

/** Inserts this many of the largest possible events, some of them with equal times. */
async function insertEvents(sql: postgres.ISql, tenantId: string, requestId: string, count: number): Promise<void> {
  await sql`
    insert into public.credential_events
      (tenant_id, occurred_at, action, credential_id, service, credential_type, actor_kind, actor_id, request_id)
    select ${tenantId}, timestamptz '2026-01-31T22:00:00Z' + (n % 40) * interval '10 microseconds', 'retrieve',
      gen_random_uuid(), repeat('z', 64), repeat('z', 64), 'kernel', gen_random_uuid(), ${requestId}
    from generate_series(1, ${count}) as n`;
}
