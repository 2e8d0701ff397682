/** What the SQL functions read, from their plans. The caller's tenant has half of 20,000 rows, a thousand tenants the rest. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type postgres from "postgres";
import { numbered } from "../../bench/fill.ts";
import { faults, type Filled, largeTables, openFilled, planned } from "../../bench/plans.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { call, sealed, server, useOf } from "../suites/isolation.ts";

const ROWS = 20_000;
const PAGE = 10;
/** A page is read with the row after it, and with some that other calls have removed. */
const MOST = { rows: 10 * PAGE, blocks: 4 * PAGE };
/** This filter has no index, because every act would pay for one. It reads all events of the tenant. */
const UNSERVED = "of one thing";
const MOST_UNSERVED = { rows: ROWS, blocks: ROWS };
/** A new session plans five calls for their values before it may use one plan for all values. */
const CALLS = 8;
const MODES = ["auto", "force_custom_plan", "force_generic_plan"];

type Act = (sql: postgres.Sql, caller: unknown, number: number) => Promise<unknown>;

/** Calls of each function. The test fails if a function that takes a caller is missing here. */
const ACTS: Record<ProjectName, Record<string, Record<string, Act>>> = {
  "governance-hub": {
    authenticate_caller: { "": (sql, caller) => call(sql, "authenticate_caller", caller) },
    register_mcp_server: {
      "": (sql, caller, n) => call(sql, "register_mcp_server", caller, server(`new-${n}`, `new${n}.deep.`)),
    },
    list_mcp_servers: {
      "": (sql, caller) => call(sql, "list_mcp_servers", caller, { limit: PAGE }),
      "after a server": (sql, caller, n) =>
        call(sql, "list_mcp_servers", caller, { limit: PAGE, after: { server_id: numbered("server", 9000 + n) } }),
    },
    update_mcp_server: {
      "": (sql, caller, n) => call(sql, "update_mcp_server", caller, numbered("server", n), { name: `changed ${n}` }),
      "of the prefix": (sql, caller, n) =>
        call(sql, "update_mcp_server", caller, numbered("server", n), { tool_prefix: `moved${n}.` }),
    },
    delete_mcp_server: {
      "": (sql, caller, n) => call(sql, "delete_mcp_server", caller, numbered("server", n + 1000)),
    },
    authorize_tool: {
      "": (sql, caller, n) => call(sql, "authorize_tool", caller, `p${3000 + n}.tool`),
    },
    authorize_call: {
      "": (sql, caller, n) => call(sql, "authorize_call", caller, `p${3000 + n}.tool`),
    },
    list_callable_servers: {
      [UNSERVED]: (sql, caller) => call(sql, "list_callable_servers", caller),
    },
    end_call: {
      "": async (sql, caller, n) => {
        const { event } = await call(sql, "authorize_call", caller, `p${3000 + n}.tool`, "tools/call");
        await call(sql, "end_call", caller, { ...event, milliseconds: 1, outcome: "ok" });
      },
    },
    list_mcp_server_events: events("list_mcp_server_events", { server_id: numbered("server", 4000) }),
  },
  "key-vault-executor": {
    store_credential: {
      "": (sql, caller, n) => call(sql, "store_credential", caller, sealed(`new-${n}`)),
      "in place of one": (sql, caller, n) => call(sql, "store_credential", caller, sealed(numbered("service", n))),
    },
    list_credentials: {
      "": (sql, caller) => call(sql, "list_credentials", caller, { limit: PAGE }),
      "after a credential": (sql, caller, n) =>
        call(sql, "list_credentials", caller, {
          limit: PAGE,
          after: { service: numbered("service", 9000 + n), credential_type: "api_key" },
        }),
      "by a key that is limited to services": (sql, caller, n) =>
        call(sql, "list_credentials", Object.assign({}, caller, { services: [numbered("service", 9000 + n)] }), {
          limit: PAGE,
        }),
      "of a service": (sql, caller, n) =>
        call(sql, "list_credentials", caller, { limit: PAGE, service: numbered("service", 9000 + n) }),
    },
    retrieve_credential: {
      "": (sql, caller, n) => call(sql, "retrieve_credential", caller, selector(n)),
    },
    use_credentials: {
      "": (sql, caller, n) => call(sql, "use_credentials", ...useOf(Object.assign({}, caller), numbered("service", n))),
    },
    delete_credential: {
      "": (sql, caller, n) => call(sql, "delete_credential", caller, selector(n + 1000)),
    },
    list_credential_events: events("list_credential_events", { service: numbered("service", 4000) }),
  },
};

/** Events of the last 30 days: in pages, of one thing, and of a range of time. */
function events(name: string, thing: Record<string, string>): Record<string, Act> {
  const days = (count: number) => new Date(Date.now() - count * 86_400_000).toISOString();
  const after = { occurred_at: days(25), id: crypto.randomUUID() };
  return {
    "": (sql, caller) => call(sql, name, caller, { limit: PAGE }),
    "after an event": (sql, caller) => call(sql, name, caller, { limit: PAGE, after }),
    "of a time": (sql, caller) => call(sql, name, caller, { limit: PAGE, since: days(25), until: days(24.99) }),
    [UNSERVED]: (sql, caller) => call(sql, name, caller, { limit: PAGE, ...thing }),
  };
}

function selector(number: number): Record<string, string> {
  return { service: numbered("service", number), credential_type: "api_key" };
}

/** The tenant's agent, and on the hub the kernel of its organization. */
async function callersOf(project: ProjectName, { owner, tenant }: Filled): Promise<[string, unknown][]> {
  const agent: [string, unknown] = ["an agent", tenant.caller];
  if (project === "key-vault-executor") return [agent];
  const [row] = await owner`
    select encode(kernel.key_hmac, 'hex') as digest from public.kernels as kernel
    join public.tenants as tenant on tenant.organization_id = kernel.organization_id where tenant.id = ${tenant.id}`;
  return [agent, ["a kernel", { kernel_key_hmac: row?.digest, tenant_id: tenant.id }]];
}

/** The functions that service_role may call for a tenant: those that take a caller. */
async function functionsOf(owner: postgres.Sql): Promise<string[]> {
  const rows = await owner`
    select distinct proname from pg_proc
    where pronamespace = 'public'::regnamespace and proargnames[1] = 'caller' order by proname`;
  return rows.map(({ proname }) => proname);
}

/** Drops every index of the table except the primary key's. */
async function dropIndexes(owner: postgres.Sql, table: string): Promise<void> {
  const indexes = await owner`
    select indexrelid::regclass::text as name, conname from pg_index
    left join pg_constraint on conindid = indexrelid and contype = 'u'
    where indrelid = ${table}::regclass and not indisprimary`;
  for (const { name, conname } of indexes) {
    await owner.unsafe(conname ? `alter table ${table} drop constraint ${conname}` : `drop index ${name}`);
  }
}

for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
  Deno.test(`in every plan mode, no statement of ${project} reads a whole table, or far more rows than it returns`, async (t) => {
    const filled = await openFilled(project, ROWS);
    try {
      const large = await largeTables(filled.owner);
      const callers = await callersOf(project, filled);
      assertEquals(
        Object.keys(ACTS[project]).sort(),
        await functionsOf(filled.owner),
        "each function that takes a caller has a row in ACTS",
      );
      let number = 0;
      for (const [name, acts] of Object.entries(ACTS[project])) {
        for (const [how, act] of Object.entries(acts)) {
          await t.step(`${name} ${how}`.trim(), async () => {
            for (const mode of MODES) {
              for (const [who, caller] of callers) {
                const statements = await planned(filled, mode, CALLS, (sql) => act(sql, caller, ++number));
                const label = `${mode}, called by ${who}`;
                assert(
                  statements.length > CALLS,
                  `${label}: auto_explain logs no statement inside the function`,
                );
                const most = how === UNSERVED ? MOST_UNSERVED : MOST;
                assertEquals(faults(statements, large, most), [], label);
              }
            }
          });
        }
      }
      await t.step("it finds a list without its index", async () => {
        const [table, name] = project === "governance-hub"
          ? ["public.tenant_mcp_servers", "list_mcp_servers"]
          : ["public.tenant_credentials", "list_credentials"];
        await dropIndexes(filled.owner, table);
        const list = (sql: postgres.Sql) => call(sql, name, filled.tenant.caller, { limit: PAGE });
        const [fault = ""] = faults(await planned(filled, "auto", 1, list), large, MOST);
        assertMatch(fault, /^Seq Scan on tenant_/);
      });
    } finally {
      await filled.close();
    }
  });
}
