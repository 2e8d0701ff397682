/** A key that is limited to services: enforced by the vault's functions, and by row-level security without them. */

import { assert, assertEquals } from "@std/assert";
import { openCluster, type ScratchCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, refuses, sealed, useOf } from "../suites/isolation.ts";

const SERVICES = ["amazon", "openai", "stripe"];

/** A limit, and the services that it allows. A null in it means no service. */
const LIMITS: [limit: (string | null)[] | null | undefined, left: string[]][] = [
  [["amazon"], ["amazon"]],
  [["stripe", "amazon", "unknown"], ["amazon", "stripe"]],
  [["amazon", null], ["amazon"]],
  [[null], []],
  [["NULL", "{}", ""], []],
  [[], []],
  [null, SERVICES],
  [undefined, SERVICES],
];

let cluster: ScratchCluster;
Deno.test.beforeAll(async () => {
  cluster = await openCluster();
});
Deno.test.afterAll(() => cluster.stop());

/** A tenant with a credential for each service. */
async function withCredentials(work: (fixture: Fixture) => Promise<void>): Promise<void> {
  const fixture = await openFixture(cluster, await cluster.createProject("key-vault-executor"), "key-vault-executor");
  try {
    for (const service of SERVICES) await call(fixture.sql, "store_credential", fixture.a.caller, sealed(service));
    await work(fixture);
  } finally {
    await fixture.close();
  }
}

Deno.test("the vault's functions show a limited key only its services, call after call on one connection", async () => {
  await withCredentials(async ({ sql, owner, a }) => {
    const ids = await owner`select id, service from public.tenant_credentials order by service`;
    for (const [services, left] of LIMITS) {
      const caller = { ...a.caller, ...(services !== undefined && { services }) };
      const limit = `limited to ${JSON.stringify(services)}`;
      const { credentials } = await call(sql, "list_credentials", caller, { limit: 10 });
      assertEquals(credentials.map((row: { service: string }) => row.service), left, limit);
      const { events } = await call(sql, "list_credential_events", caller, { limit: 1000 });
      assertEquals([...new Set(events.map((row: { service: string }) => row.service))].sort(), left, limit);
      for (const { id, service } of ids) {
        const label = `${limit}: ${service}`;
        const byId = call(sql, "retrieve_credential", caller, { credential_id: id });
        const byName = call(sql, "retrieve_credential", caller, { service, credential_type: "api_key" });
        const use = call(sql, "use_credentials", ...useOf(caller, service));
        if (left.includes(service)) {
          assertEquals([(await byId).credential_id, (await byName).credential_id], [id, id], label);
          assertEquals((await use).credentials[0].credential_id, id, label);
        } else {
          await refuses(byId, "PT404", label);
          await refuses(byName, "PT403", label);
          await refuses(use, "PT403", label);
          await refuses(call(sql, "store_credential", caller, sealed(service)), "PT403", label);
          await refuses(call(sql, "delete_credential", caller, { credential_id: id }), "PT404", label);
        }
      }
    }
  });
});

Deno.test("without the functions' checks, row-level security keeps a limited key to its services", async () => {
  await withCredentials(async ({ owner, a }) => {
    for (const [services, left] of LIMITS) {
      const outcome = owner.begin(async (sql) => {
        const limit = services ? (await sql`select ${services}::text[]::text as text`)[0]?.text : services ?? "";
        await sql`select set_config('app.tenant_id', ${a.id}, true), set_config('app.services', ${limit}, true)`;
        await sql`set local role tenant_scope`;
        const seen = await sql`select service from public.tenant_credentials order by service`;
        const told = await sql`select distinct service from public.credential_events order by service`;
        const changed = await sql`update public.tenant_credentials set last_used_at = now() returning service`;
        const deleted = await sql`delete from public.tenant_credentials returning service`;
        assertEquals([seen, told, changed, deleted].map((rows) => rows.map(({ service }) => service).sort()), [
          left,
          left,
          left,
          left,
        ], JSON.stringify(services));
        throw new Undone();
      });
      await outcome.catch((error) => {
        if (!(error instanceof Undone)) throw error;
      });
    }
  });
});

Deno.test("without the functions' checks, row-level security refuses to add or rename into another service", async () => {
  await withCredentials(async ({ owner, a }) => {
    const attempt = (statement: string) =>
      owner.begin(async (sql) => {
        await sql`select set_config('app.tenant_id', ${a.id}, true), set_config('app.services', '{amazon,NULL}', true)`;
        await sql`set local role tenant_scope`;
        await sql.unsafe(statement);
      });
    await refuses(
      attempt(`insert into public.tenant_credentials (tenant_id, service, encrypted_credentials, encryption_key_id)
        values ('${a.id}', 'github', '\\x${"00".repeat(40)}', '0123456789abcdef')`),
      "42501",
    );
    await refuses(attempt(`update public.tenant_credentials set service = 'github'`), "42501");
  });
});

Deno.test("the hub's keys accept at most 100 names of services, in the vault's form", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject("governance-hub"), "governance-hub");
  const { owner } = fixture;
  try {
    await owner`
      insert into public.kernels (organization_id, name, display_prefix, key_hmac)
      select id, 'kernel', 'krn_test', sha256('k') from public.organizations limit 1`;
    const names = (count: number) => Array.from({ length: count }, (_, i) => `service-${i}`);
    const good: (string[] | null)[] = [null, [], ["a"], ["a".repeat(64)], ["aZ09._:/-"], names(100)];
    const bad: (string | null)[][] = [["a".repeat(65)], [""], [null], ["a", null], ["a\n"], ["-a"], ["ä"], names(101)];
    for (const table of ["api_keys", "kernels"]) {
      const limit = (services: (string | null)[] | null) =>
        owner.unsafe(`update public.${table} set services = $1::text[]`, [services]);
      for (const services of good) assert((await limit(services)).count > 0, JSON.stringify(services));
      for (const services of bad) await refuses(limit(services), "23514", JSON.stringify(services));
    }
  } finally {
    await fixture.close();
  }
});

class Undone extends Error {}
