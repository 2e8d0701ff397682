/** Two tenants in a scratch database, and what each function of a project must show and change for only one of them. */

import { assert, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import postgres from "postgres";
import { SCOPES } from "../../admin/client/operator.ts";
import type { ProjectName } from "../../stack/projects.ts";
import type { ScratchCluster } from "../support/cluster.ts";

export interface TestTenant {
  id: string;
  /** The caller argument for the project's functions. */
  caller: Record<string, unknown>;
}

export interface Fixture {
  /** One connection like the data API's: `authenticator`, which switches to service_role. */
  sql: postgres.Sql;
  /** One connection as `postgres`, which bypasses row-level security. */
  owner: postgres.Sql;
  a: TestTenant;
  b: TestTenant;
  close(): Promise<void>;
}

export async function openFixture(cluster: ScratchCluster, database: string, project: ProjectName): Promise<Fixture> {
  const options = { max: 1, onnotice: () => {} };
  const sql = postgres(cluster.url("authenticator", database), options);
  const owner = postgres(cluster.url("postgres", database), options);
  const make = project === "governance-hub" ? makeHubTenant : makeVaultTenant;
  return {
    sql,
    owner,
    a: await make(owner),
    b: await make(owner),
    async close() {
      await sql.end();
      await owner.end();
    },
  };
}

async function makeHubTenant(owner: postgres.Sql): Promise<TestTenant> {
  const digest = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
  const [row] = await owner`
    with organization as (insert into public.organizations (name) values (${crypto.randomUUID()}) returning id),
    tenant as (insert into public.tenants (organization_id, name) select id, 'tenant' from organization returning id)
    insert into public.api_keys (tenant_id, name, display_prefix, key_sha256)
    select id, 'agent', 'mcp_test', decode(${digest}, 'hex') from tenant returning tenant_id`;
  return { id: row?.tenant_id, caller: { api_key_sha256: digest } };
}

function makeVaultTenant(): Promise<TestTenant> {
  const id = crypto.randomUUID();
  return Promise.resolve({ id, caller: { tenant_id: id, kind: "agent", id: crypto.randomUUID(), scopes: SCOPES } });
}

/** Calls a function like the data API: in its own transaction, as service_role. Returns its `data`, if any. */
// deno-lint-ignore no-explicit-any -- tests compare answers of any form
export async function call(sql: postgres.Sql, name: string, ...parameters: unknown[]): Promise<any> {
  return await sql.begin(async (transaction) => {
    await transaction`set local role service_role`;
    const values = parameters.map((value) =>
      typeof value === "string" || typeof value === "boolean"
        ? transaction`${value}`
        : transaction.json(value as postgres.JSONValue)
    );
    const list = values.reduce(
      (all, value, index) => index === 0 ? transaction`${value}` : transaction`${all}, ${value}`,
      transaction``,
    );
    const [row] = await transaction`select ${transaction(name)}(${list}) as answer`;
    return row?.answer.data ?? row?.answer;
  });
}

/** Asserts that the database refuses with this SQLSTATE. The label names the case. */
export async function refuses(work: Promise<unknown>, sqlstate: string, label = ""): Promise<void> {
  const refusal = await work.then(() => "it was not refused", (error: unknown) => error);
  assert(refusal instanceof postgres.PostgresError, `${label} ${refusal}`);
  assertEquals(refusal.code, sqlstate, `${label} ${refusal.message}`);
}

export function server(serverId: string, toolPrefix: string): Record<string, unknown> {
  return { server_id: serverId, name: "n", command: "c", args: ["a"], tool_prefix: toolPrefix };
}

export function sealed(service: string, bytes = "A".repeat(48)): Record<string, unknown> {
  return { service, credential_type: "api_key", encrypted_credentials: bytes, encryption_key_id: "0123456789abcdef" };
}

/** Every function of the hub sees and changes only the servers of its caller's tenant. */
export async function checkHub({ sql, owner, a, b }: Fixture): Promise<void> {
  const mine = `mine-${crypto.randomUUID()}`;
  const theirs = `theirs-${crypto.randomUUID()}`;
  await call(sql, "register_mcp_server", a.caller, server(mine, "shared."));
  await call(sql, "register_mcp_server", b.caller, server(theirs, "shared."));
  // A tenant may use a prefix that overlaps another tenant's, and another tenant's id.
  await call(sql, "register_mcp_server", b.caller, server(mine, "other."));
  await call(sql, "register_mcp_server", a.caller, server("deeper", "other.deeper."));
  const untouched = await owner`select * from public.tenant_mcp_servers where tenant_id = ${b.id} order by id`;

  const listed = await call(sql, "list_mcp_servers", a.caller, { limit: 1000 });
  assertEquals(listed.servers.map((row: { server_id: string }) => row.server_id).sort(), ["deeper", mine].sort());
  await refuses(call(sql, "update_mcp_server", a.caller, theirs, { name: "taken" }), "PT404");
  await refuses(call(sql, "delete_mcp_server", a.caller, theirs), "PT404");
  const shared = await call(sql, "authorize_tool", a.caller, "shared.tool");
  assert([undefined, mine].includes(shared.server?.server_id));
  assertEquals((await call(sql, "authorize_tool", a.caller, "other.tool")).reason, "no_server");
  const own = await call(sql, "authorize_call", a.caller, "shared.tool");
  assert([undefined, mine].includes(own.server?.server_id));
  assertEquals((await call(sql, "authorize_call", a.caller, "other.tool")).reason, "no_server");
  const callable = await call(sql, "list_callable_servers", a.caller);
  assertEquals(callable.servers.map((row: { server_id: string }) => row.server_id).sort(), ["deeper", mine].sort());
  // A revision counts for its own tenant only.
  for (const [tenant, count] of [[a, undefined], [b, 2]] as const) {
    const known = { tenant_id: tenant.id, revision: callable.revision };
    assertEquals(
      (await call(sql, "list_callable_servers", a.caller, known)).servers?.length,
      count,
      `the revision of ${tenant.id}`,
    );
  }
  const { event } = await call(sql, "authorize_call", b.caller, "other.tool", "tools/call");
  const ended = { ...event, milliseconds: 1, outcome: "ok" };
  assertEquals((await call(sql, "end_call", a.caller, ended)).ended, false);
  assertEquals((await call(sql, "end_call", b.caller, ended)).ended, true);
  assertEquals((await call(sql, "update_mcp_server", a.caller, mine, { name: "changed" })).name, "changed");
  assertEquals(await call(sql, "delete_mcp_server", a.caller, mine), { server_id: mine, deleted: true });
  assertEquals(await owner`select * from public.tenant_mcp_servers where tenant_id = ${b.id} order by id`, untouched);
  await call(sql, "delete_mcp_server", a.caller, "deeper");
  const { events } = await call(sql, "list_mcp_server_events", a.caller, { limit: 1000 });
  const acts = events.map((event: Record<string, string>) => [event.action, event.server_id]).reverse();
  assertEquals(acts, [["register", mine], ["register", "deeper"], ["update", mine], ["delete", mine], [
    "delete",
    "deeper",
  ]]);
  for (const id of [mine, theirs]) await call(sql, "delete_mcp_server", b.caller, id);
}

/** An Executor's kernel with the caller's tenant and limits, and what a decision lets it use. */
export function useOf(caller: object, service: string): [caller: object, decided: object] {
  const actor = { kind: "agent", id: crypto.randomUUID() };
  return [{ ...caller, kind: "kernel" }, { service, actor, server_id: "server", request_id: "r" }];
}

/** Every function of the vault sees and changes only the credentials of its caller's tenant. */
export async function checkVault({ sql, owner, a, b }: Fixture): Promise<void> {
  await call(sql, "store_credential", a.caller, sealed("amazon", "A".repeat(48)));
  const theirs = await call(sql, "store_credential", b.caller, sealed("amazon", "B".repeat(48)));
  await call(sql, "store_credential", b.caller, sealed("stripe"));
  const untouched = await owner`select * from public.tenant_credentials where tenant_id = ${b.id} order by id`;

  const listed = await call(sql, "list_credentials", a.caller, { limit: 1000 });
  assertEquals(listed.credentials.map((row: { service: string }) => row.service), ["amazon"]);
  for (const selector of [{ credential_id: theirs.credential_id }, { service: "stripe", credential_type: "api_key" }]) {
    const label = JSON.stringify(selector);
    await refuses(call(sql, "retrieve_credential", a.caller, selector), "PT404", label);
    await refuses(call(sql, "delete_credential", a.caller, selector), "PT404", label);
  }
  const amazon = { service: "amazon", credential_type: "api_key" };
  assertEquals((await call(sql, "retrieve_credential", a.caller, amazon)).encrypted_credentials, "A".repeat(48));
  const { credentials: used } = await call(sql, "use_credentials", ...useOf(a.caller, "amazon"));
  assertEquals(used.map((row: Record<string, string>) => row.encrypted_credentials), ["A".repeat(48)]);
  assertEquals(await call(sql, "use_credentials", ...useOf(a.caller, "stripe")), { credentials: [] });
  await refuses(call(sql, "use_credentials", a.caller, useOf(a.caller, "amazon")[1]), "PT403", "an agent");
  assert((await call(sql, "store_credential", a.caller, sealed("amazon", "C".repeat(48)))).created === false);
  assertEquals((await call(sql, "delete_credential", a.caller, amazon)).deleted, true);
  assertEquals(await owner`select * from public.tenant_credentials where tenant_id = ${b.id} order by id`, untouched);
  const { events } = await call(sql, "list_credential_events", a.caller, { limit: 1000 });
  const acts = events.map((event: Record<string, string>) => `${event.action} ${event.service}`).reverse();
  assertEquals(acts, ["store amazon", "retrieve amazon", "use amazon", "replace amazon", "delete amazon"]);
  for (const service of ["amazon", "stripe"]) {
    await call(sql, "delete_credential", b.caller, { service, credential_type: "api_key" });
  }
}
