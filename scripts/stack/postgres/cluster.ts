/** Databases in a native PostgreSQL 17 cluster, with the roles of a Supabase project. */

import postgres from "postgres";
import type { RunSql } from "../project/migrations.ts";
import { DATABASES } from "../projects.ts";

export interface Cluster {
  port: number;
  password: string;
}

export type Role = "supabase_admin" | "postgres" | "authenticator" | "function_caller";

export function databaseUrl({ port, password }: Cluster, role: Role, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

/** Opens a connection for `work`, which can run scripts of several statements. */
export async function withConnection<T>(url: string, work: (run: RunSql) => Promise<T>): Promise<T> {
  // postgres.js crashes the process if it loses the connection while it fetches types.
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    return await work(async (script) => {
      const result = await sql.unsafe(script).simple();
      return [...(Array.isArray(result[0]) ? result.at(-1) ?? [] : result)];
    });
  } finally {
    // Without a timeout, it waits forever after a lost connection.
    await sql.end({ timeout: 1 });
  }
}

/** Creates the platform's roles and databases if they do not exist. */
export async function prepareCluster(cluster: Cluster): Promise<void> {
  await withConnection(databaseUrl(cluster, "supabase_admin", "postgres"), async (run) => {
    if ((await run("select from pg_roles where rolname = 'authenticator'")).length === 0) {
      const roles = await Deno.readTextFile(new URL("../project/platform_roles.sql", import.meta.url));
      const passwords = ["postgres", "authenticator"].map((role) =>
        `alter role ${role} password '${cluster.password}';`
      );
      await run(`begin; ${roles} ${passwords.join(" ")} commit;`);
    }
    for (const database of Object.values(DATABASES)) {
      const found = await run(`select from pg_database where datname = '${database}'`);
      if (found.length === 0) await run(`create database ${database} owner postgres`);
    }
  });
}
