import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { ProjectName } from "../../stack/projects.ts";
import { openCluster } from "../support/cluster.ts";
import { call, checkHub, checkVault, type Fixture, openFixture, refuses, sealed, server } from "../suites/isolation.ts";

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

const PROJECTS = {
  "governance-hub": { table: "tenant_mcp_servers", check: checkHub, list: "list_mcp_servers" },
  "key-vault-executor": { table: "tenant_credentials", check: checkVault, list: "list_credentials" },
} as const;

/** What service_role may execute besides the functions that run as tenant_scope. */
const OPERATORS_FUNCTIONS: Record<ProjectName, string[]> = {
  "governance-hub": [
    "authenticate_caller(jsonb)",
    "count_tenant(uuid)",
    "create_organization(text)",
    "create_tenant(uuid,text)",
    "delete_tenant(uuid)",
    "issue_api_key(uuid,jsonb)",
    "issue_kernel(uuid,jsonb)",
    "list_api_keys(jsonb)",
    "list_events(jsonb)",
    "list_kernels(jsonb)",
    "list_organizations(jsonb)",
    "list_tenant_servers(jsonb)",
    "list_tenants(jsonb)",
    "read_status()",
    "revoke_api_key(uuid)",
    "revoke_kernel(uuid)",
    "revoke_tenant_api_keys(uuid)",
    "set_caller_password(text)",
    "set_server_quota(uuid,integer)",
  ],
  "key-vault-executor": [
    "close_tenant(text)",
    "count_tenant_credentials(text)",
    "list_events(jsonb)",
    "list_sealed_credentials(jsonb)",
    "list_tenant_credentials(jsonb)",
    "purge_tenant_credentials(text)",
    "read_status()",
    "reseal_credentials(jsonb,text)",
    "set_caller_password(text)",
    "set_credential_quota(text,integer)",
  ],
};

for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
  for (const oldDefaultPrivileges of [false, true]) {
    const { table, check, list } = PROJECTS[project];
    const title = `${project}${oldDefaultPrivileges ? ", under the old default privileges," : ""}`;

    const test = (name: string, work: (fixture: Fixture) => Promise<void>) =>
      Deno.test(`${title} ${name}`, async () => {
        const database = await cluster.createProject(project, { oldDefaultPrivileges });
        const fixture = await openFixture(cluster, database, project);
        try {
          await work(fixture);
        } finally {
          await fixture.close();
        }
      });

    /** Gives each tenant a row, and returns the rows that each tenant sees. */
    const fill = async ({ sql, a, b }: Fixture) => {
      for (const [tenant, name] of [[a, "of-a"], [b, "of-b"]] as const) {
        if (project === "governance-hub") await call(sql, "register_mcp_server", tenant.caller, server(name, "p."));
        else await call(sql, "store_credential", tenant.caller, sealed(name));
      }
    };

    test("shows each tenant only its own rows, and lets it change only those", check);

    test("does so with every tenant predicate in its functions replaced by true", async (fixture) => {
      // The hub's are in the functions that look up a prefix outside row-level security. The vault's is in the trigger
      // that counts deleted credentials.
      assertEquals(await dropTenantPredicates(fixture, project), project === "governance-hub" ? 3 : 1);
      await check(fixture);
    });

    test("fails the same check with row-level security switched off", async (fixture) => {
      await fixture.owner.unsafe(`alter table public.${table} disable row level security`);
      await assertRejects(() => check(fixture));
    });

    test("shows and changes nothing while the setting is empty, missing or another tenant's", async (fixture) => {
      await fill(fixture);
      const { owner, a, b } = fixture;
      for (const setting of [undefined, "", b.id]) {
        const outcome = await owner.begin(async (sql) => {
          if (setting !== undefined) await sql`select set_config('app.tenant_id', ${setting}, true)`;
          await sql`set local role tenant_scope`;
          const rows = await sql.unsafe(`select tenant_id from public.${table}`);
          const updated = await sql.unsafe(`update public.${table} set updated_at = now() where tenant_id = '${a.id}'`);
          const deleted = await sql.unsafe(`delete from public.${table} where tenant_id = '${a.id}'`);
          return { seen: rows.map((row) => row.tenant_id), changed: updated.count + deleted.count };
        });
        assertEquals(outcome, { seen: setting === b.id ? [b.id] : [], changed: 0 }, `setting ${setting}`);
        await refuses(
          owner.begin(async (sql) => {
            if (setting !== undefined) await sql`select set_config('app.tenant_id', ${setting}, true)`;
            await sql`set local role tenant_scope`;
            await sql`insert into public.${sql(table)} ${sql(sample(project, a.id))}`;
          }),
          "42501",
          `setting ${setting}`,
        );
      }
    });

    test("keeps two tenants apart in 400 alternating calls on one connection", async (fixture) => {
      await fill(fixture);
      const member = project === "governance-hub" ? ["servers", "server_id"] : ["credentials", "service"];
      for (let i = 0; i < 400; i++) {
        const [tenant, name] = i % 2 ? [fixture.b, "of-b"] : [fixture.a, "of-a"];
        const data = await call(fixture.sql, list, tenant.caller, { limit: 10 });
        assertEquals(
          data[member[0] ?? ""].map((row: Record<string, string>) => row[member[1] ?? ""]),
          [name],
          `call ${i}`,
        );
      }
    });

    test("leaves no tenant entered after a call", async ({ sql, a }) => {
      await call(sql, list, a.caller, { limit: 1 });
      const [row] = await sql`select current_setting('app.tenant_id', true) as entered, current_user::text as role`;
      assertEquals([row?.entered || null, row?.role], [null, "authenticator"]);
    });

    test("gives anon, authenticated and service_role no table to read or change", async ({ sql, owner }) => {
      const tables = await owner`
          select relname, (select attname from pg_attribute where attrelid = pg_class.oid and attnum = 1) as first_column
          from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'`;
      assert(tables.length >= (project === "governance-hub" ? 7 : 2));
      for (const role of ["anon", "authenticated", "service_role"]) {
        for (const { relname, first_column } of tables) {
          for (const statement of [`select from`, `delete from`, `insert into`, `update`, `truncate`]) {
            const rest = statement === "update"
              ? `set ${first_column} = ${first_column} where true`
              : statement === "insert into"
              ? "default values"
              : "";
            const attempt = sql.begin(async (transaction) => {
              await transaction.unsafe(`set local role ${role}`);
              await transaction.unsafe(`${statement} public.${relname} ${rest}`);
            });
            await refuses(attempt, "42501", `${role}: ${statement} ${relname}`);
          }
        }
      }
    });

    test("lets service_role execute only the tenant functions and the named ones, and anon nothing", async ({ owner }) => {
      const functions = await owner`
        select oid::regprocedure::text as signature, proowner::regrole::text as owner, prosecdef as definer,
          has_function_privilege('service_role', oid, 'execute') as service_role,
          has_function_privilege('anon', oid, 'execute') or has_function_privilege('authenticated', oid, 'execute') as others
        from pg_proc where pronamespace in ('public'::regnamespace, 'private'::regnamespace)`;
      const named = functions.filter((row) => row.service_role && row.owner !== "tenant_scope").map((row) =>
        row.signature
      );
      assertEquals(named.sort(), OPERATORS_FUNCTIONS[project]);
      assertEquals(functions.filter((row) => row.others), []);
      const tenantFunctions = functions.filter((row) => row.owner === "tenant_scope");
      assertEquals(tenantFunctions.length, { "governance-hub": 10, "key-vault-executor": 6 }[project]);
      assert(tenantFunctions.every((row) => row.definer && row.service_role));
    });

    test("has no dynamic SQL in any function but the one that sets a password", async ({ owner }) => {
      const bodies = await owner`
        select proname, prosrc from pg_proc where pronamespace in ('public'::regnamespace, 'private'::regnamespace)`;
      assertNotEquals(bodies.length, 0);
      const dynamic = bodies.filter((row) => /\bexecute\b/i.test(row.prosrc)).map((row) => row.proname);
      assertEquals(dynamic, ["set_caller_password"]);
    });

    test("refuses to enter a tenant as any role that row-level security does not bind", async ({ owner, a }) => {
      const entered = owner.begin((sql) =>
        project === "governance-hub"
          ? sql`select private.enter_tenant(${sql.json(a.caller as never)}, 'servers:read')`
          : sql`select private.enter_tenant(${sql.json(a.caller as never)}, 'credentials:read', null)`
      );
      await refuses(entered, "P0001");
    });
  }
}

/** Replaces every comparison of a tenant_id in the functions. Returns the number of comparisons. */
async function dropTenantPredicates({ owner }: Fixture, project: ProjectName): Promise<number> {
  const functions = await owner`
    select pg_get_functiondef(oid) as definition from pg_proc
    where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
      and proname !~ '^(authenticate|enter_tenant|current_tenant_id)'
      and oid::regprocedure::text <> all (${OPERATORS_FUNCTIONS[project]})`;
  let replaced = 0;
  for (const { definition } of functions) {
    const without = definition.replace(/\b\w+\.tenant_id = [\w.()]+/g, () => {
      replaced++;
      return "true";
    });
    if (without !== definition) await owner.unsafe(without);
  }
  return replaced;
}

function sample(project: ProjectName, tenantId: string) {
  const times = { created_at: "2026-01-01", updated_at: "2026-01-01" };
  const row = project === "governance-hub" ? { ...server("s", "s."), enabled: true, version: 1 } : {
    service: "s",
    credential_type: "t",
    encrypted_credentials: `\\x${"00".repeat(40)}`,
    encryption_key_id: "0123456789abcdef",
  };
  return { id: crypto.randomUUID(), tenant_id: tenantId, ...row, ...times };
}
