/** Runs each project's pgTAP files on PGlite, as `supabase test db` runs them on the platform's image. */

import { PGlite } from "@electric-sql/pglite";
import { pgtap } from "@electric-sql/pglite/pgtap";
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { OLD_DEFAULT_PRIVILEGES } from "../support/cluster.ts";
import { migrate } from "../../stack/project/migrations.ts";
import { withPglite } from "../../stack/project/pglite.ts";
import { type ProjectName, projectUrl } from "../../stack/projects.ts";

interface TapReport {
  planned: number;
  /** Of the tests that ran. */
  names: string[];
  failed: string[];
  /** Every `not ok` line, with pgTAP's explanation. */
  diagnostics: string[];
}

// As the supabase CLI does before it runs the files.
const INSTALL_PGTAP = "create schema extensions; create extension pgtap with schema extensions;";

const PROJECTS = {
  "governance-hub": {
    table: "tenant_mcp_servers",
    things: "servers",
    events: "mcp_server_events",
    endpoint: "delete_mcp_server(jsonb, text, integer)",
    enter: "enter_tenant(jsonb, text)",
  },
  "key-vault-executor": {
    table: "tenant_credentials",
    things: "credentials",
    events: "credential_events",
    endpoint: "delete_credential(jsonb, jsonb)",
    enter: "enter_tenant(jsonb, text, text)",
  },
} as const;

const TABLE_GRANTS = "only tenant_scope has grants on tables, and it cannot change or delete an event";
const COLUMN_GRANTS = "no other columns have grants";
const SERVICE_ROLE = "service_role can execute only the functions listed here";
const CALLER = "function_caller can execute only the functions of the endpoints";
const CALLER_ROLE = "function_caller can only log in, and is a member of no role";
const TENANT_SCOPE = "tenant_scope can execute only its own functions and the helpers that they call";
const NOBODY = "anon, authenticated, authenticator and PUBLIC cannot execute any function";
const GRANTEES = "only service_role, tenant_scope and function_caller have grants on functions, without grant option";
const PRIVATE = "only tenant_scope can use the schema private, and it cannot create in it";
const CREATE = "tenant_scope and the roles of the data API cannot create in the schema public";
const SEARCH_PATH = "every function has an empty search_path";
const SETTINGS =
  "every public function has an empty search_path, a statement_timeout of 4s, and otherwise only planner settings";
const DEFINERS = "only these functions run as their owner: those of the endpoints as tenant_scope";
const ROW_SECURITY = "row-level security is on for every table in public";
const VIEWS = "there are no views and no foreign tables, which would bypass row-level security";
const POLICIES = "tenant_scope has one policy for each granted verb, LIMITEDone for recorded events, and no others";
const CONDITIONS = "every policy checks what the transaction has entered, except those for the form of events";
const RECORDS = "recorded events name an agent or a kernel, and a well-formed request id";
const ENDS = "only a call without an outcome gets one";
const ATTRIBUTES = "tenant_scope cannot log in, is not a superuser, and cannot bypass policies";
const OWNS = "tenant_scope owns only the functions of the endpoints";
const APPEND_ONLY = "events are append-only for every role";
const MEMBERS = "only postgres is a member of tenant_scope";

/** Names of policies. */
const RECORDING = "what runs for a tenant records acts of agents and kernels";
const ENDING = "a call ends once, with an outcome";

/** Possible mistakes of a migration, and the tests in both files that must then fail. */
const MISTAKES: [sql: string, failing: string[]][] = [
  ["grant select on public.TABLE to anon", [TABLE_GRANTS]],
  ["grant references on public.TABLE to public", [TABLE_GRANTS]],
  ["grant truncate on public.TABLE to tenant_scope", [TABLE_GRANTS]],
  ["revoke update on public.TABLE from tenant_scope", [TABLE_GRANTS]],
  ["grant update on public.EVENTS to tenant_scope", [TABLE_GRANTS]],
  ["grant delete on public.EVENTS to tenant_scope", [TABLE_GRANTS]],
  ["alter table public.EVENTS disable row level security", [ROW_SECURITY]],
  ["alter table public.EVENTS disable trigger keep_append_only", [APPEND_ONLY]],
  ["alter table public.EVENTS enable replica trigger keep_append_only", [APPEND_ONLY]],
  ["drop trigger keep_append_only on public.EVENTS", [APPEND_ONLY]],
  ["create sequence private.s; grant usage on sequence private.s to service_role", [TABLE_GRANTS]],
  ["grant select (id) on public.TABLE to authenticated", [COLUMN_GRANTS]],
  ["grant execute on function private.ENTER to service_role", [SERVICE_ROLE]],
  ["revoke execute on function public.ENDPOINT from service_role", [SERVICE_ROLE]],
  ["revoke execute on function private.raise_http_error(integer, text, jsonb) from tenant_scope", [TENANT_SCOPE]],
  ["grant execute on function private.raise_http_error(integer, text, jsonb) to anon", [NOBODY, GRANTEES]],
  ["grant execute on function private.raise_http_error(integer, text, jsonb) to pg_monitor", [GRANTEES]],
  ["grant execute on function private.raise_http_error(integer, text, jsonb) to tenant_scope with grant option", [
    GRANTEES,
  ]],
  [
    "create function private.added() returns integer language sql set search_path = '' return 1",
    [SERVICE_ROLE, CALLER, TENANT_SCOPE, NOBODY, GRANTEES],
  ],
  ["grant usage on schema private to service_role", [PRIVATE]],
  ["grant create on schema private to tenant_scope", [PRIVATE]],
  ["grant create on schema public to tenant_scope", [CREATE]],
  ["alter function private.raise_http_error(integer, text, jsonb) reset search_path", [SEARCH_PATH]],
  ["alter function private.raise_http_error(integer, text, jsonb) set search_path = public", [SEARCH_PATH]],
  ["alter function public.ENDPOINT reset statement_timeout", [SETTINGS]],
  ["alter function public.ENDPOINT reset all", [SEARCH_PATH, SETTINGS]],
  ["alter function public.ENDPOINT set work_mem = '1GB'", [SETTINGS]],
  ["alter function private.ENTER security definer", [DEFINERS]],
  ["alter function public.ENDPOINT security invoker", [DEFINERS]],
  ["alter function public.ENDPOINT owner to postgres", [TENANT_SCOPE, DEFINERS, OWNS]],
  ["alter table public.TABLE disable row level security", [ROW_SECURITY]],
  ["create table public.added (id uuid); revoke all on public.added from anon", [ROW_SECURITY]],
  ["create view public.added as select 1 as number", [VIEWS]],
  ["create policy added on public.TABLE for all to public using (false)", [POLICIES, CONDITIONS]],
  [`alter policy "a tenant sees its own THINGS" on public.TABLE to tenant_scope, anon`, [POLICIES]],
  [`alter policy "a tenant sees its own THINGS" on public.TABLE using (true)`, [CONDITIONS]],
  [`alter policy "a tenant adds THINGS to itself" on public.TABLE with check (true)`, [CONDITIONS]],
  [`drop policy "a tenant deletes its own THINGS" on public.TABLE`, [POLICIES]],
  [`alter policy "${RECORDING}" on public.EVENTS with check (actor_id is not null)`, [RECORDS]],
  [`drop policy "${RECORDING}" on public.EVENTS`, [POLICIES, RECORDS]],
  ["alter role tenant_scope login", [ATTRIBUTES]],
  ["grant execute on function public.read_status() to function_caller", [CALLER]],
  ["revoke execute on function public.ENDPOINT from function_caller", [CALLER]],
  ["grant select on public.TABLE to function_caller", [TABLE_GRANTS]],
  ["alter role function_caller bypassrls", [CALLER_ROLE]],
  ["alter role function_caller nologin", [CALLER_ROLE]],
  ["grant service_role to function_caller", [CALLER_ROLE]],
  ["alter role tenant_scope bypassrls", [ATTRIBUTES]],
  ["create table private.added (id uuid); alter table private.added owner to tenant_scope", [
    "tenant_scope owns no table",
  ]],
  ["grant anon to tenant_scope", ["tenant_scope is not a member of any role"]],
  ["grant tenant_scope to authenticator", [MEMBERS]],
];

/** The same, for one project only. */
const OWN_MISTAKES: Record<ProjectName, typeof MISTAKES> = {
  "governance-hub": [
    ["grant delete on public.tenant_server_revisions to tenant_scope", [TABLE_GRANTS]],
    ['alter policy "a tenant moves its own revision" on public.tenant_server_revisions using (true)', [CONDITIONS]],
    ["grant update (request_id) on public.EVENTS to tenant_scope", [COLUMN_GRANTS]],
    ['alter policy "a tenant ends its own calls" on public.EVENTS using (true)', [CONDITIONS]],
    [`alter policy "${ENDING}" on public.EVENTS using (true)`, [ENDS]],
    [`drop policy "${ENDING}" on public.EVENTS`, [POLICIES, ENDS]],
    ["alter table public.EVENTS disable trigger keep_unchanged", [APPEND_ONLY]],
    ["drop trigger keep_unchanged on public.EVENTS", [APPEND_ONLY]],
  ],
  "key-vault-executor": [
    ['alter policy "a key touches the services that it is limited to" on public.TABLE using (true)', [CONDITIONS]],
    ['drop policy "a key sees events of the services that it is limited to" on public.EVENTS', [POLICIES]],
  ],
};

const PROJECT_NAMES = ["governance-hub", "key-vault-executor"] as const;
const folders = new Map<string, string>();

Deno.test.beforeAll(async () => {
  for (const project of PROJECT_NAMES) {
    for (const before of ["", OLD_DEFAULT_PRIVILEGES]) {
      const folder = await Deno.makeTempDir();
      folders.set(project + before, folder);
      await withPglite(folder, async (run) => {
        await run(before);
        await migrate(run, projectUrl(project, "migrations/"));
      });
      await withPgtap(folder, (database) => database.exec(INSTALL_PGTAP));
    }
  }
});
Deno.test.afterAll(async () => {
  for (const folder of folders.values()) await Deno.remove(folder, { recursive: true });
});

for (const project of PROJECT_NAMES) {
  const files = [...Deno.readDirSync(projectUrl(project, "tests/"))].map(({ name }) => name)
    .filter((name) => name.endsWith(".sql")).sort();

  for (const file of files) {
    for (const [title, before] of [["", ""], [" under the old default privileges", OLD_DEFAULT_PRIVILEGES]] as const) {
      Deno.test(`${project}: ${file} passes in pgTAP${title}`, async () => {
        await withPgtap(folders.get(project + before), async (database) => {
          assertPassed(await runFile(database, project, file));
        });
      });
    }
  }

  Deno.test(`${project}: each mistake of a migration fails exactly the pgTAP tests for it`, async () => {
    const { table, things, events, endpoint, enter } = PROJECTS[project];
    const named = (text: string) =>
      text.replace("TABLE", table).replace("THINGS", things).replace("ENDPOINT", endpoint).replace("EVENTS", events)
        .replace("ENTER", enter).replace(
          "LIMITED",
          project === "key-vault-executor" ? "one for limited keys, " : "one for the ends of calls, ",
        );
    const names = new Set<string>();
    const seenRed = new Set<string>();
    await withPgtap(folders.get(project), async (database) => {
      for (const [mistake, failing] of [...MISTAKES, ...OWN_MISTAKES[project]]) {
        const reports = [];
        for (const file of files) reports.push(await runFile(database, project, file, named(mistake)));
        const failed = reports.flatMap((report) => report.failed);
        assertEquals(failed, failing.map(named), named(mistake));
        reports.flatMap((report) => report.names).forEach((name) => names.add(name));
        failed.forEach((name) => seenRed.add(name));
      }
    });
    assertEquals([...names].filter((name) => !seenRed.has(name)), [], "no mistake turns these tests red");
  });
}

Deno.test("a pgTAP run passes only with every planned test ok, and at least one", async (t) => {
  assertPassed(readTap(["1..2", "ok 1 - a", "ok 2 - b"]));
  assertPassed(readTap(["ok 1 - a", "1..1"]));
  const bad = [
    ["1..2", "ok 1 - a", 'not ok 2 - b\n# Failed test 2: "b"'],
    ["1..2", "ok 1 - a", "# Looks like you planned 2 tests but ran 1"],
    ["1..1", "ok 1 - a", "ok 2 - b"],
    ["ok 1 - a"],
    ["1..0"],
    [],
  ];
  for (const output of bad) {
    await t.step(output.join() || "no output", () => void assertThrows(() => assertPassed(readTap(output))));
  }
});

/** Opens the database in a folder as the role `postgres`, with pgTAP installed. */
async function withPgtap(folder: string | undefined, work: (database: PGlite) => Promise<unknown>): Promise<void> {
  assert(folder !== undefined);
  const database = await PGlite.create({ dataDir: folder, extensions: { pgtap } });
  try {
    await database.exec("set session authorization postgres");
    await work(database);
  } finally {
    await database.close();
  }
}

/** Runs one file in a transaction that is rolled back, together with a mistake that the superuser made in it. */
async function runFile(database: PGlite, project: ProjectName, file: string, mistake = ""): Promise<TapReport> {
  const sql = await Deno.readTextFile(projectUrl(project, `tests/${file}`));
  try {
    await database.exec(`
      begin;
      set local session authorization supabase_admin;
      ${mistake};
      set local session authorization postgres;
    `);
    const results = await database.exec(sql);
    return readTap(results.flatMap(({ rows }) => rows.flatMap((row) => Object.values(row).map(String))));
  } finally {
    await database.exec("rollback");
  }
}

/** Parses pgTAP's output. Lines with `#` after a test's line say what went wrong. */
function readTap(output: string[]): TapReport {
  const report: TapReport = { planned: 0, names: [], failed: [], diagnostics: [] };
  for (const line of output.flatMap((text) => text.split("\n"))) {
    const plan = /^1\.\.(\d+)$/.exec(line);
    const test = /^(not )?ok \d+(?: - (.*))?$/.exec(line);
    if (plan) report.planned += Number(plan[1]);
    if (test) report.names.push(test[2] ?? "");
    if (test?.[1]) report.failed.push(test[2] ?? "");
    if (test?.[1] || line.startsWith("#")) report.diagnostics.push(line);
  }
  return report;
}

function assertPassed({ planned, names, failed, diagnostics }: TapReport): void {
  assertEquals(failed, [], `\n${diagnostics.join("\n")}`);
  assertEquals(names.length, planned, "the number of tests that ran is not the plan's");
  assertNotEquals(names.length, 0, "no test ran");
}
