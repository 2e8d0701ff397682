/** Databases in a native PostgreSQL 17 cluster, with the roles of a Supabase project. */

import postgres from "postgres";
import type { RunSql } from "./migrations.ts";
import { DATABASES } from "./projects.ts";

export interface Cluster {
  port: number;
  password: string;
}

export type Role = "supabase_admin" | "postgres" | "authenticator";

export function databaseUrl({ port, password }: Cluster, role: Role, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}`;
}

/** One connection that runs scripts of several statements, for the time of `work`. */
export async function withConnection<T>(url: string, work: (run: RunSql) => Promise<T>): Promise<T> {
  // Nobody hears of it when postgres.js loses a connection while it fetches types, and the process ends.
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  try {
    return await work(async (script) => {
      const result = await sql.unsafe(script).simple();
      return [...(Array.isArray(result[0]) ? result.at(-1) ?? [] : result)];
    });
  } finally {
    // After a lost connection it would wait for ever.
    await sql.end({ timeout: 1 });
  }
}

/** Makes the platform's roles and the databases that are not there yet. */
export async function prepareCluster(cluster: Cluster): Promise<void> {
  await withConnection(databaseUrl(cluster, "supabase_admin", "postgres"), async (run) => {
    if ((await run("select from pg_roles where rolname = 'authenticator'")).length === 0) {
      const roles = await Deno.readTextFile(new URL("platform_roles.sql", import.meta.url));
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
