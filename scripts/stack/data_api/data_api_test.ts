import { assert, assertEquals } from "@std/assert";
import { openCluster, startCluster } from "../../test/support/cluster.ts";
import { type LocalDatabase, openDataApi } from "./data_api.ts";
import { migrate, type RunSql } from "../project/migrations.ts";
import { withPglite } from "../project/pglite.ts";
import { withConnection } from "../postgres/cluster.ts";
import { projectUrl } from "../projects.ts";

const KEYS = { secret_key: "sb_secret_test", publishable_key: "sb_publishable_test" };

const GRANTS = `
  select json_agg(entry order by entry) as grants from (
    select 'relation ' || oid::regclass || ' ' || coalesce(relacl::text, '') as entry from pg_class where relkind in ('r', 'v', 'S')
    union all select 'function ' || oid::regprocedure || ' ' || coalesce(proacl::text, '') from pg_proc
    union all select 'schema ' || nspname || ' ' || coalesce(nspacl::text, '') from pg_namespace where nspname !~ '^pg_'
    union all select 'default ' || defaclobjtype::text || ' ' || defaclacl::text from pg_default_acl
    union all select 'role ' || rolname || ' ' || rolsuper || rolbypassrls from pg_roles
  ) as listed (entry)`;

async function readGrants(run: RunSql): Promise<string[]> {
  const [row] = await run(GRANTS);
  const grants = row?.grants;
  const list: string[] = typeof grants === "string" ? JSON.parse(grants) : grants;
  // The library makes a schema of its own.
  return list.filter((entry) => !entry.includes("auth."));
}

/** Requests of every kind of key, for a table and for a function. Returns the statuses. */
async function useDataApi(database: LocalDatabase): Promise<number[]> {
  const api = await openDataApi(database, KEYS);
  try {
    const statuses = [];
    for (const apikey of [KEYS.secret_key, KEYS.publishable_key, "sb_secret_other"]) {
      const read = new Request("http://localhost/rest/v1/api_keys?select=*", { headers: { apikey } });
      statuses.push((await api.fetch(read)).status);
      const call = new Request("http://localhost/rest/v1/rpc/create_organization", {
        method: "POST",
        headers: { apikey, "content-type": "application/json" },
        body: JSON.stringify({ name: `by ${apikey}` }),
      });
      statuses.push((await api.fetch(call)).status);
    }
    return statuses;
  } finally {
    await api.close();
  }
}

// The secret key sees no table and calls the function; the publishable key and a wrong one do neither.
const EXPECTED = [404, 200, 404, 401, 401, 401];

Deno.test("openDataApi() changes no grant on PostgreSQL, and lets only service_role call functions", async () => {
  const cluster = await openCluster();
  try {
    const name = await cluster.createProject("governance-hub");
    const asAdmin = <T>(work: (run: RunSql) => Promise<T>) => withConnection(cluster.url("supabase_admin", name), work);
    const before = await asAdmin(readGrants);
    assertEquals(await useDataApi({ kind: "postgres", url: cluster.url("authenticator", name) }), EXPECTED);
    assertEquals(await asAdmin(readGrants), before);
    assert(before.some((entry) => entry.startsWith("relation api_keys")));
  } finally {
    await cluster.stop();
  }
});

Deno.test("openDataApi() changes no grant on PGlite, and lets only service_role call functions", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withPglite(folder, (run) => migrate(run, projectUrl("governance-hub", "migrations/")));
    let before: string[] = [];
    await withPglite(folder, async (run) => before = await readGrants(run));
    assertEquals(await useDataApi({ kind: "pglite", folder }), EXPECTED);
    await withPglite(folder, async (run) => assertEquals(await readGrants(run), before));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openDataApi() answers requests that come at once, each in a transaction of its own", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await withPglite(folder, (run) => migrate(run, projectUrl("governance-hub", "migrations/")));
    const api = await openDataApi({ kind: "pglite", folder }, KEYS);
    const create = (name: string) =>
      api.fetch(
        new Request("http://localhost/rest/v1/rpc/create_organization", {
          method: "POST",
          headers: { apikey: KEYS.secret_key, "content-type": "application/json" },
          body: JSON.stringify({ name }),
        }),
      );
    // Every other one fails and rolls its own transaction back.
    const statuses = await Promise.all(Array.from({ length: 20 }, (_, i) => create(i % 2 ? "" : `organization ${i}`)));
    assertEquals(statuses.map((response) => response.ok), Array.from({ length: 20 }, (_, i) => i % 2 === 0));
    await api.close();
    await withPglite(folder, async (run) => {
      assertEquals(await run("select count(*)::int as count from organizations"), [{ count: 10 }]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("openDataApi() answers a statement that was cancelled, and a database that is gone, as PostgREST does", async () => {
  const cluster = await startCluster();
  const name = await cluster.createProject("governance-hub");
  const api = await openDataApi({ kind: "postgres", url: cluster.url("authenticator", name) }, KEYS);
  const create = async (organization: string) => {
    const response = await api.fetch(
      new Request("http://localhost/rest/v1/rpc/create_organization", {
        method: "POST",
        headers: { apikey: KEYS.secret_key, "content-type": "application/json" },
        body: JSON.stringify({ name: organization }),
      }),
    );
    return [response.status, (await response.json()).code];
  };
  try {
    assertEquals(await create("first"), [200, undefined]);
    await withConnection(cluster.url("postgres", name), async (run) => {
      await run("begin; lock table public.organizations in access exclusive mode");
      assertEquals(await create("second"), [500, "57014"]);
      await run("rollback");
    });
  } finally {
    await cluster.stop();
  }
  assertEquals(await create("third"), [503, "PGRST001"]);
  await api.close();
});
