/** No role that the service has can change or delete an event. */

import { assertEquals, assertNotEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import type { ProjectName } from "../../stack/projects.ts";
import { openCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, refuses, sealed, server } from "../suites/isolation.ts";

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

const TABLES: Record<ProjectName, string> = {
  "governance-hub": "mcp_server_events",
  "key-vault-executor": "credential_events",
};

/** Every role of the service, its keys and its functions. Grants refuse them; the trigger refuses the owner. */
const ROLES: [role: string, sqlstate: string][] = [
  ["anon", "42501"],
  ["authenticated", "42501"],
  ["service_role", "42501"],
  ["authenticator", "42501"],
  ["tenant_scope", "42501"],
  ["postgres", "23001"],
];

const CHANGES = [
  "update public.TABLE set request_id = 'forged' where true",
  "update public.TABLE set occurred_at = occurred_at where true",
  "delete from public.TABLE where true",
  "truncate public.TABLE",
];

/** The columns in which an event differs from an agent's event about a new thing. */
type Changes = Record<string, string | string[] | null>;

const EVENTS: Changes[] = [
  { request_id: null },
  { request_id: "a" },
  { request_id: "aZ09_.:-".repeat(16) },
  { actor_kind: "kernel" },
];
const NO_EVENTS: Changes[] = [
  { action: "unknown" },
  { action: "" },
  { actor_kind: "service" },
  { actor_kind: "operator" },
  { actor_kind: "operator", actor_id: null },
  { actor_id: null },
  { actor_kind: "kernel", actor_id: null },
  { request_id: "" },
  { request_id: "a".repeat(129) },
  { request_id: "a\n" },
  { request_id: "\u00e4" },
  { request_id: "a b" },
];
const CALL: Changes = { action: "call", method: "tools/call", tool: "p.tool" };
const USE: Changes = { action: "use", executor_id: crypto.randomUUID(), server_id: "server" };
/** Changes for one project only. */
const OWN_EVENTS: Record<ProjectName, { good: Changes[]; bad: Changes[] }> = {
  "governance-hub": {
    good: [
      { action: "delete" },
      { action: "update", changed_fields: ["name"] },
      CALL,
      { ...CALL, method: "prompts/get", tool: "x".repeat(256) },
      { ...CALL, method: "resources/read", tool: "x".repeat(2048) },
      { ...CALL, method: "completion/complete", tool: "x".repeat(2048) },
    ],
    bad: [
      { action: "update" },
      { changed_fields: ["name"] },
      { action: "store" },
      { action: "call" },
      { tool: "p.tool" },
      { method: "tools/call" },
      { ...CALL, method: null },
      { ...CALL, method: "tools/list" },
      { ...CALL, tool: "x".repeat(257) },
      { ...CALL, method: "prompts/get", tool: "x".repeat(257) },
      { ...CALL, method: "resources/read", tool: "x".repeat(2049) },
      { ...CALL, outcome: "ok" },
      { ...CALL, milliseconds: "1" },
    ],
  },
  "key-vault-executor": {
    good: [...["replace", "retrieve", "delete"].map((action) => ({ action })), USE],
    bad: [
      { ...USE, action: "retrieve" },
      { ...USE, executor_id: null },
      { ...USE, server_id: null },
      { action: "use" },
      { action: "register" },
      { action: "rotate" },
      { action: "rotate", actor_kind: "operator", actor_id: null },
    ],
  },
};

for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
  const table = TABLES[project];

  const test = (name: string, work: (fixture: Fixture) => Promise<void>) =>
    Deno.test(`${table} ${name}`, async () => {
      const fixture = await openFixture(cluster, await cluster.createProject(project), project);
      try {
        for (const { caller } of [fixture.a, fixture.b]) {
          if (project === "governance-hub") {
            await call(fixture.sql, "register_mcp_server", caller, server("s", "p."));
          } else await call(fixture.sql, "store_credential", caller, sealed("s"));
        }
        await work(fixture);
      } finally {
        await fixture.close();
      }
    });

  test("accepts from a tenant's calls only acts of agents and kernels", async (fixture) => {
    const { good, bad } = OWN_EVENTS[project];
    const { owner, a } = fixture;
    const [event] = await owner.unsafe(`select id from public.${table} where tenant_id = $1`, [a.id]);
    const insert = (changes: Changes) => as(fixture, "tenant_scope", a.id, copyOfEvent(table, event?.id, changes));
    for (const changes of [...EVENTS, ...good]) {
      assertEquals((await insert(changes)).count, 1, JSON.stringify(changes));
    }
    for (const changes of [...NO_EVENTS, ...bad]) await refuses(insert(changes), "42501", JSON.stringify(changes));
  });

  test("cannot be changed or emptied by any role of the service", async (fixture) => {
    const { owner, a } = fixture;
    const read = () => owner.unsafe(`select * from public.${table} order by occurred_at`);
    const before = await read();
    assertEquals(before.length, 2);
    for (const [role, sqlstate] of ROLES) {
      for (const change of CHANGES) {
        await refuses(as(fixture, role, a.id, change.replace("TABLE", table)), sqlstate, `${role}: ${change}`);
      }
    }
    assertEquals(await read(), before);
  });

  test("can be changed by the owner of the database, with the trigger off", async (fixture) => {
    const { owner, a } = fixture;
    await owner.unsafe(`alter table public.${table} disable trigger keep_append_only`);
    assertEquals((await as(fixture, "postgres", a.id, `delete from public.${table}`)).count, 2);
    await refuses(as(fixture, "tenant_scope", a.id, `delete from public.${table} where true`), "42501");
  });

  test("accepts an event only from tenant_scope, and only for the entered tenant", async (fixture) => {
    const { a, b } = fixture;
    const [event] = await fixture.owner.unsafe(`select id from public.${table} where tenant_id = $1`, [a.id]);
    const copy = (tenantId: string) => copyOfEvent(table, event?.id, { tenant_id: tenantId });
    for (const role of ["anon", "authenticated", "service_role", "authenticator"]) {
      await refuses(as(fixture, role, a.id, copy(a.id)), "42501", role);
    }
    assertEquals((await as(fixture, "tenant_scope", a.id, copy(a.id))).count, 1);
    await refuses(as(fixture, "tenant_scope", a.id, copy(b.id)), "42501");
  });

  test("is written in the transaction of the act: if either fails, both are undone", async (fixture) => {
    const { owner, sql, a } = fixture;
    const count = async () => (await owner.unsafe(`select from public.${table}`)).count;
    const act = () =>
      project === "governance-hub"
        ? call(sql, "delete_mcp_server", a.caller, "s")
        : call(sql, "retrieve_credential", a.caller, { service: "s", credential_type: "api_key" });
    const state = async () =>
      await owner.unsafe(
        project === "governance-hub"
          ? "select version from public.tenant_mcp_servers"
          : "select last_used_at from public.tenant_credentials",
      );
    const before = await state();
    await owner.unsafe(`alter table public.${table} add constraint broken check (false) not valid`);
    await refuses(act(), "23514");
    assertEquals([await count(), await state()], [2, before]);
    await owner.unsafe(`alter table public.${table} drop constraint broken`);
    await act();
    assertEquals(await count(), 3);
    assertNotEquals(await state(), before);
  });
}

Deno.test("a call ends once, for its caller, and nothing else of it changes", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject("governance-hub"), "governance-hub");
  const { sql, owner, a, b } = fixture;
  try {
    await call(sql, "register_mcp_server", a.caller, server("s", "p."));
    const { event } = await call(sql, "authorize_call", a.caller, "p.tool", "tools/call");
    const end = async (caller: unknown, changes: Record<string, unknown> = {}) =>
      (await call(sql, "end_call", caller, { ...event, milliseconds: 5, outcome: "ok", ...changes })).ended;
    const read = async () => (await owner`select * from public.mcp_server_events where id = ${event.id}`)[0] ?? {};
    const before = await read();
    assertEquals([before.tool, before.milliseconds, before.outcome], ["p.tool", null, null]);
    assertEquals(await end(b.caller), false);
    for (const outcome of ["", "OK", "a b", "ok\n", "x".repeat(41)]) await refuses(end(a.caller, { outcome }), "42501");
    await refuses(end(a.caller, { milliseconds: -1 }), "42501");
    await refuses(end(a.caller, { outcome: null }), "23001");
    const forged = `update public.mcp_server_events set outcome = 'ok', tool = 'p.other' where id = '${event.id}'`;
    await refuses(as(fixture, "postgres", a.id, forged), "23001");
    assertEquals(await read(), before);
    assertEquals([await end(a.caller), await end(a.caller, { outcome: "tool_error" })], [true, false]);
    assertEquals(await read(), { ...before, milliseconds: 5, outcome: "ok" });
    for (const role of ["postgres", "tenant_scope"]) {
      const again = as(fixture, role, a.id, "update public.mcp_server_events set outcome = 'tool_error'");
      if (role === "postgres") await refuses(again, "23001");
      else assertEquals((await again).count, 0);
    }
    assertEquals((await as(fixture, "tenant_scope", b.id, END)).count, 0);
    assertEquals((await as(fixture, "tenant_scope", a.id, END)).count, 0);
  } finally {
    await fixture.close();
  }
});

const END = "update public.mcp_server_events set milliseconds = 1, outcome = 'ok' where true";

Deno.test("reseal_credentials accepts only well-formed sealed bytes and a well-formed request_id", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject("key-vault-executor"), "key-vault-executor");
  const { sql, owner, a } = fixture;
  try {
    await call(sql, "store_credential", a.caller, sealed("s"));
    const [row] = await owner`
      select id, translate(encode(encrypted_credentials, 'base64'), E'\n', '') as expected from public.tenant_credentials`;
    const reseal = (bytes: number, requestId: string) =>
      sql.begin(async (transaction) => {
        await transaction`set local role service_role`;
        const batch = [{
          ...row,
          encrypted_credentials: encodeBase64(new Uint8Array(bytes)),
          encryption_key_id: "0123456789abcdef",
        }];
        await transaction`select reseal_credentials(${transaction.json(batch)}, ${requestId})`;
      });
    for (const bytes of [0, 33, 65565]) await refuses(reseal(bytes, "a"), "23514", `${bytes} bytes`);
    const ids = NO_EVENTS.flatMap(({ request_id }) => typeof request_id === "string" ? [request_id] : []);
    assertEquals(ids.length, 5);
    for (const id of ids) await refuses(reseal(40, id), "23514", JSON.stringify(id));
    assertEquals((await owner`select from public.credential_events`).count, 1);
    await reseal(40, "a-Z_0.9:");
    assertEquals((await owner`select from public.credential_events where action = 'rotate'`).count, 1);
  } finally {
    await fixture.close();
  }
});

/** The statement that copies an event, with a new id and these changes. */
function copyOfEvent(table: string, id: string, changes: Changes): string {
  const json = JSON.stringify({ id: crypto.randomUUID(), ...changes }).replaceAll("'", "''");
  return `insert into public.${table}
    select (jsonb_populate_record(event, '${json}')).* from public.${table} as event where event.id = '${id}'`;
}

/** Runs a statement as a role, in the tenant. The data API connects as authenticator, and switches to other roles. */
async function as({ sql, owner }: Fixture, role: string, tenantId: string, statement: string) {
  return await (role === "authenticator" ? sql : owner).begin(async (transaction) => {
    await transaction`select set_config('app.tenant_id', ${tenantId}, true)`;
    await transaction.unsafe(`set local role ${role}`);
    const [row] = await transaction`select current_user::text as role`;
    assertEquals(row?.role, role);
    const { count } = await transaction.unsafe(statement);
    return { count };
  });
}
