/** Databases with a given number of rows, and connections to call their functions. */

import postgres from "postgres";
import type { ProjectName } from "../../stack/projects.ts";
import type { ScratchCluster } from "../../test/support/cluster.ts";
import { openFixture } from "../../test/suites/isolation.ts";
import { fill } from "../fill.ts";

/** The connections and the caller of the calls. */
export interface BenchPlace {
  /** Connections as service_role, which the data API switches to for each request. */
  sql: postgres.Sql;
  /** One connection as the tables' owner. */
  owner: postgres.Sql;
  /** The caller for the project's functions: the tenant that has half of the rows. */
  caller: postgres.JSONValue;
  tenantId: string;
  rows: number;
  close(): Promise<void>;
}

/** The most connections of a place. */
export const CLIENTS = 16;

/** A project's database with this many rows in its tables, and a table with as many rows for the baselines. */
export async function openPlace(cluster: ScratchCluster, project: ProjectName, rows: number): Promise<BenchPlace> {
  const database = await cluster.createProject(project);
  const { a: tenant, owner, sql: unused } = await openFixture(cluster, database, project);
  await unused.end();
  await owner.unsafe(baselineTable(rows)).simple();
  await fill(owner, project, tenant.id, rows);
  const sql = postgres(cluster.url("authenticator", database), {
    max: CLIENTS,
    connection: { role: "service_role" },
    onnotice: () => {},
  });
  return {
    sql,
    owner,
    caller: tenant.caller as postgres.JSONValue,
    tenantId: tenant.id,
    rows,
    async close() {
      await Promise.all([sql.end({ timeout: 1 }), owner.end({ timeout: 1 })]);
    },
  };
}

/** The baselines' table, to read and change one row by its primary key. */
export function baselineTable(rows: number): string {
  return `
    create table public.baseline (
      id integer primary key, name text not null, created_at timestamptz not null default now(), changed_at timestamptz
    );
    insert into public.baseline (id, name) select number, 'Row ' || number from generate_series(1, ${rows}) as number;
    grant select, update on public.baseline to service_role`;
}
