/** Samples the processes' memory and their connections to the database. */

import postgres from "postgres";
import type { Rig } from "../bench/support/rig.ts";

export interface Vitals {
  at: number;
  /** Resident memory of each project's process, in megabytes. */
  hubMb: number;
  vaultMb: number;
  /** Connections of both projects' data APIs. */
  connections: number;
}

const EVERY_MS = 2000;

export interface Watch {
  vitals: Vitals[];
  stop(): Promise<void>;
}

/** Takes a sample every two seconds, except while PostgreSQL is stopped. */
export function watchVitals(rig: Rig): Watch {
  const vitals: Vitals[] = [];
  const sql = postgres(rig.database.url("supabase_admin", "governance-hub"), { max: 1, onnotice: () => {} });
  let isStopping = false;
  const ended = (async () => {
    while (!isStopping) {
      const connections = await countConnections(sql).catch(() => undefined);
      if (connections !== undefined) {
        const [hubMb, vaultMb] = await Promise.all([rig.hub, rig.vault].map(({ process }) => residentMb(process.pid)));
        vitals.push({ at: performance.now(), hubMb: hubMb ?? NaN, vaultMb: vaultMb ?? NaN, connections });
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return {
    vitals,
    async stop() {
      isStopping = true;
      await ended;
      await sql.end({ timeout: 1 });
    },
  };
}

async function countConnections(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`select count(*)::int as connections from pg_stat_activity where usename = 'authenticator'`;
  return Number(row?.connections);
}

/** Uses `ps`, which works on every system. */
async function residentMb(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", `${pid}`] }).output();
  return Number(new TextDecoder().decode(stdout)) / 1024;
}
