/**
 * Collects the executed plans of the statements inside the SQL functions. `auto_explain` reports each plan with the
 * rows that it read.
 */

import postgres from "postgres";
import type { ProjectName } from "../stack/projects.ts";
import { type ScratchCluster, startCluster } from "../test/support/cluster.ts";
import { openFixture, type TestTenant } from "../test/suites/isolation.ts";
import { fill } from "./fill.ts";

/** A node of a plan, as in `explain (analyze, format json)`. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  "Actual Rows"?: number;
  "Rows Removed by Filter"?: number;
  "Rows Removed by Index Recheck"?: number;
  "Shared Hit Blocks"?: number;
  "Shared Read Blocks"?: number;
  Plans?: PlanNode[];
}

export interface Statement {
  text: string;
  nodes: PlanNode[];
}

/** A table with this many rows is large. A request must not read all of it. */
const MANY_ROWS = 500;
/** With these settings, `auto_explain` reports every statement to the session's client. */
const TELL_PLANS = ["shared_preload_libraries=auto_explain"];
const TOLD = {
  "auto_explain.log_min_duration": "0",
  "auto_explain.log_nested_statements": "on",
  "auto_explain.log_analyze": "on",
  "auto_explain.log_buffers": "on",
  "auto_explain.log_timing": "off",
  "auto_explain.log_format": "json",
  "auto_explain.log_level": "notice",
};

export interface Filled {
  cluster: ScratchCluster;
  database: string;
  tenant: TestTenant;
  owner: postgres.Sql;
  close(): Promise<void>;
}

/** Starts a cluster with a project's database of this many rows. */
export async function openFilled(project: ProjectName, rows: number): Promise<Filled> {
  const cluster = await startCluster(TELL_PLANS);
  const database = await cluster.createProject(project);
  const fixture = await openFixture(cluster, database, project);
  await fill(fixture.owner, project, fixture.a.id, rows);
  const admin = postgres(cluster.url("supabase_admin", database), { max: 1, onnotice: () => {} });
  for (const [name, value] of Object.entries(TOLD)) {
    await admin.unsafe(`alter role authenticator set ${name} = '${value}'`);
  }
  await admin.end();
  return {
    cluster,
    database,
    tenant: fixture.a,
    owner: fixture.owner,
    async close() {
      await fixture.close();
      await cluster.stop();
    },
  };
}

/**
 * Repeats a call on a new session in this plan mode. Returns the plans of all its statements, except those of the first
 * call, which also reads the catalogs.
 */
export async function planned(
  { cluster, database }: Filled,
  mode: string,
  calls: number,
  call: (sql: postgres.Sql) => Promise<unknown>,
): Promise<Statement[]> {
  const statements: Statement[] = [];
  const sql = postgres(cluster.url("authenticator", database), {
    max: 1,
    fetch_types: false,
    connection: { plan_cache_mode: mode },
    onnotice: ({ message = "" }) => {
      const plan = /^duration: .* plan:\n([^]*)$/.exec(message)?.[1];
      if (plan === undefined) return;
      const told: { "Query Text": string; Plan: PlanNode } = JSON.parse(plan);
      statements.push({ text: told["Query Text"], nodes: flatten(told.Plan) });
    },
  });
  try {
    await call(sql);
    statements.length = 0;
    for (let i = 0; i < calls; i++) await call(sql);
  } finally {
    await sql.end();
  }
  return statements;
}

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** Finds statements that read a whole table, or more than this many rows or blocks. */
export function faults(statements: Statement[], large: Set<string>, most: { rows: number; blocks: number }): string[] {
  const found = statements.flatMap(({ text, nodes }) =>
    nodes.flatMap((node) => {
      const type = node["Node Type"];
      const relation = node["Relation Name"] ?? "";
      const fault = faultOf(type === "Seq Scan" && large.has(relation), node, most);
      return fault === undefined
        ? []
        : [`${type} on ${relation || "a result"}${fault} in: ${text.replace(/\s+/g, " ").slice(0, 200)}`];
    })
  );
  return [...new Set(found)];
}

function faultOf(isWhole: boolean, node: PlanNode, most: { rows: number; blocks: number }): string | undefined {
  if (isWhole) return "";
  const rows = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0) +
    (node["Rows Removed by Index Recheck"] ?? 0);
  if (rows > most.rows) return ` reads ${rows} rows`;
  // An index scan may start far from the wanted entry. The plan then shows no rows, but it does show the blocks.
  const blocks = (node["Shared Hit Blocks"] ?? 0) + (node["Shared Read Blocks"] ?? 0);
  return node["Node Type"].startsWith("Index") && blocks > most.blocks ? ` reads ${blocks} blocks` : undefined;
}

/** The large tables. */
export async function largeTables(owner: postgres.Sql): Promise<Set<string>> {
  const rows = await owner`
    select relname from pg_class
    where relnamespace = 'public'::regnamespace and relkind = 'r' and reltuples >= ${MANY_ROWS}`;
  return new Set(rows.map(({ relname }) => relname));
}
