import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { type ProjectName, projectUrl } from "../../stack/projects.ts";
import { startCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, sealed, server } from "../suites/isolation.ts";

/** How often the migration is applied. All but the last are rolled back. */
const TIMES = 15;
const THINGS = 20;

const cluster = await startCluster();
Deno.test.afterAll(() => cluster.stop());

/**
 * Creates the tenant's things. Returns the concurrent calls, each on its own connection: those of endpoints that exist
 * before the newest migration.
 */
type MakeLoad = (fixture: Fixture, sql: postgres.Sql) => Promise<(() => Promise<unknown>)[]>;

const LOADS: Record<ProjectName, MakeLoad> = {
  "governance-hub": async ({ sql: one, a: { caller } }, sql) => {
    for (let i = 0; i < THINGS; i++) await call(one, "register_mcp_server", caller, server(`s${i}`, `p${i}.`));
    const any = () => `s${Math.floor(Math.random() * THINGS)}`;
    return [
      ...Array.from({ length: 4 }, () => () => call(sql, "update_mcp_server", caller, any(), { name: any() })),
      ...Array.from({ length: 4 }, () => () => call(sql, "list_mcp_servers", caller, { limit: 10 })),
      () => call(sql, "list_mcp_server_events", caller, { limit: 10 }),
    ];
  },
  "key-vault-executor": async ({ sql: one, owner, a: { caller } }, sql) => {
    for (let i = 0; i < THINGS; i++) await call(one, "store_credential", caller, sealed(`s${i}`));
    const rows = await owner`select id from public.tenant_credentials`;
    const any = () => ({ credential_id: rows[Math.floor(Math.random() * THINGS)]?.id });
    return [
      ...Array.from({ length: 6 }, () => () => call(sql, "retrieve_credential", caller, any())),
      () => call(sql, "list_credentials", caller, { limit: 10 }),
      () => call(sql, "store_credential", caller, sealed("s1")),
    ];
  },
};

for (const [project, load] of Object.entries(LOADS) as [ProjectName, MakeLoad][]) {
  Deno.test(`${project}'s newest migration is applied during calls, ${TIMES} times: no migration and no call fails`, async () => {
    const folder = await Deno.makeTempDir();
    const migrations = projectUrl(project, "migrations/");
    const files = [...Deno.readDirSync(migrations)].map(({ name }) => name).sort();
    const newest = await Deno.readTextFile(new URL(files.pop() ?? "", migrations));
    for (const file of files) await Deno.copyFile(new URL(file, migrations), `${folder}/${file}`);
    const database = await cluster.createProject(project, { migrations: new URL(`file://${folder}/`) });
    const fixture = await openFixture(cluster, database, project);
    const sql = postgres(cluster.url("authenticator", database), { max: 10 });
    const failures: string[] = [];
    let isOver = false;
    let made = 0;
    try {
      const calls = (await load(fixture, sql)).map(async (one) => {
        while (!isOver) {
          await one().then(() => made++, (error) => failures.push(`a call: ${error}`));
        }
      });
      for (let time = 1; time <= TIMES; time++) {
        const before = made;
        await fixture.owner.unsafe(`begin; ${newest}; ${time < TIMES ? "rollback" : "commit"}`).simple()
          .catch(async (error) => {
            failures.push(`the migration: ${error}`);
            await fixture.owner`rollback`;
          });
        while (made < before + 50 && failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      isOver = true;
      await Promise.all(calls);
      assertEquals(failures, []);
    } finally {
      isOver = true;
      await sql.end();
      await fixture.close();
      await Deno.remove(folder, { recursive: true });
    }
  });
}
