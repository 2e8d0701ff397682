/** Compares the writes that callers saw acknowledged with the rows in the tables. */

import { assert, assertEquals } from "@std/assert";
import { withConnection } from "../../../stack/postgres/cluster.ts";
import type { ProjectName } from "../../../stack/projects.ts";
import { newServer } from "../../support/endpoints.ts";
import { headersOf, type TrafficCaller } from "./calls.ts";
import type { Rig } from "../processes/rig.ts";
import { eventually } from "../processes/running.ts";

/** The tables that callers write to. */
const TABLES = {
  "governance-hub": ["tenant_mcp_servers", "mcp_server_events"],
  "key-vault-executor": ["tenant_credentials", "credential_events"],
} as const;

export interface TrafficReply {
  status: number;
  code: string | undefined;
  ms: number;
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  data: any;
}

export async function post(url: string, path: string, caller: TrafficCaller, body: unknown): Promise<TrafficReply> {
  const begun = performance.now();
  const response = await fetch(`${url}/functions/v1/${path}`, {
    method: "POST",
    headers: { ...headersOf(caller.key), "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  return { status: response.status, code: answer.error?.code, ms: performance.now() - begun, data: answer.data };
}

export function storeCredential(
  rig: Rig,
  caller: TrafficCaller,
  service: string,
  secret: string,
): Promise<TrafficReply> {
  return post(rig.vault.url, "credentials/store", caller, { service, credentials: { secret } });
}

export function registerServer(
  rig: Rig,
  caller: TrafficCaller,
  id: string,
  args: string[] = ["server.js"],
): Promise<TrafficReply> {
  return post(rig.hub.url, "mcp-servers/register", caller, { ...newServer(id), args });
}

/** Creates a credential and a server with this name, and checks that both are acknowledged. */
export async function keep(rig: Rig, caller: TrafficCaller): Promise<string> {
  const name = crypto.randomUUID();
  assertEquals((await storeCredential(rig, caller, name, name)).status, 201);
  assertEquals((await registerServer(rig, caller, name)).status, 201);
  return name;
}

/** All rows of both projects' tables. */
export async function readRows({ database }: Rig): Promise<Record<ProjectName, string[]>> {
  const read = (project: ProjectName) =>
    withConnection(database.url("supabase_admin", project), async (run) => {
      const lines: string[] = [];
      for (const table of TABLES[project]) {
        const rows = await run(`select line::text from public.${table} as line order by id`);
        lines.push(...rows.map(({ line }) => String(line)));
      }
      return lines;
    });
  return { "governance-hub": await read("governance-hub"), "key-vault-executor": await read("key-vault-executor") };
}

/** Asserts that the vault returns these secrets, by service. */
export async function assertHolds(rig: Rig, caller: TrafficCaller, secrets: Map<string, string>): Promise<void> {
  for (const [service, secret] of secrets) {
    const { status, data } = await post(rig.vault.url, "credentials/retrieve", caller, { service });
    assertEquals(status, 200, service);
    assert(data.credentials.secret === secret, `${service} differs from the stored value`);
  }
}

/** Locks these tables exclusively, until the returned function is called or the server stops. */
export async function lockTables({ database }: Rig): Promise<() => Promise<void>> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const locked = (["governance-hub", "key-vault-executor"] as const).map((project) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = withConnection(database.url("supabase_admin", project), async (run) => {
      await run(`begin; lock table ${TABLES[project].map((table) => `public.${table}`)} in access exclusive mode`);
      resolve();
      await released;
      await run("rollback");
    }).catch(() => {});
    return { promise, held };
  });
  await Promise.all(locked.map(({ promise }) => promise));
  return async () => {
    release();
    await Promise.all(locked.map(({ held }) => held));
  };
}

/** How many requests PostgreSQL is running, and how many of them wait for a lock. */
export async function readActivity({ database }: Rig): Promise<{ active: number; waiting: number }> {
  return await withConnection(database.url("supabase_admin", "governance-hub"), async (run) => {
    const [row] = await run(`
      select count(*)::int as active, count(*) filter (where wait_event_type = 'Lock')::int as waiting
      from pg_stat_activity where usename in ('authenticator', 'function_caller') and state <> 'idle'`);
    return { active: Number(row?.active), waiting: Number(row?.waiting) };
  });
}

/** Waits until at least eight requests wait for {@linkcode lockTables}. A project opens ten connections, over either transport. */
export async function untilRequestsWait(rig: Rig): Promise<void> {
  await eventually(3000, async () => assert((await readActivity(rig)).waiting >= 8));
}

/** Ends every session of the projects. */
export async function endSessions({ database }: Rig): Promise<void> {
  await withConnection(
    database.url("supabase_admin", "governance-hub"),
    (run) =>
      run(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename in ('authenticator', 'function_caller')",
      ),
  );
}
