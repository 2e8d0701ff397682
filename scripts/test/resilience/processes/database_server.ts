/** A PostgreSQL 17 server that a test can stop, kill and restart on the same folder and port. */

import { assert } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { migrate } from "../../../stack/project/migrations.ts";
import {
  type Cluster,
  databaseUrl,
  prepareCluster,
  type Role,
  withConnection,
} from "../../../stack/postgres/cluster.ts";
import type { PostgresConfig } from "../../../stack/postgres/server.ts";
import { DATABASES, type ProjectName, projectUrl } from "../../../stack/projects.ts";
import { freePort } from "../../../stack/ready.ts";
import { eventually, type RunningProcess, runScript } from "./running.ts";

export interface DatabaseServer {
  /** PostgreSQL's own data folder. */
  dataDir: string;
  url(role: Role, project: ProjectName): string;
  start(): Promise<void>;
  /** A shutdown as by an administrator: every session ends with an error that says so. */
  stop(): Promise<void>;
  /** Kills the postmaster with SIGKILL. Its children then end without an error. */
  kill(): Promise<void>;
  /** An immediate shutdown: every process ends at once, without releasing its locks. */
  crash(): Promise<void>;
  /** Whether the postmaster runs. */
  isUp(): boolean;
}

const START_MS = 30_000;

/** Creates a cluster in the folder, with both projects' databases and migrations, and starts it. */
export async function startDatabaseServer(folder: string, settings: string[] = []): Promise<DatabaseServer> {
  const cluster: Cluster = { port: freePort(), password: encodeHex(crypto.getRandomValues(new Uint8Array(16))) };
  const dataDir = `${folder}/cluster`;
  const config: PostgresConfig = { folder: dataDir, ...cluster, settings };
  const script = new URL("../../../stack/postgres/server.ts", import.meta.url);
  let runner: RunningProcess | undefined;

  const postmaster = (): number | undefined => {
    try {
      const pid = Number(Deno.readTextFileSync(`${dataDir}/postmaster.pid`).split("\n")[0]);
      Deno.kill(pid, "SIGCONT");
      return pid;
    } catch {
      return undefined;
    }
  };
  const end = async (signal: Deno.Signal) => {
    const pid = postmaster();
    if (pid !== undefined) {
      Deno.kill(pid, signal);
      await eventually(START_MS, () => assert(!isAlive(pid), "the postmaster does not end"));
    }
    // The child waits until the old postmaster is gone.
    await runner?.kill();
    runner = undefined;
  };
  const server: DatabaseServer = {
    dataDir,
    url: (role, project) => databaseUrl(cluster, role, DATABASES[project]),
    // A killed postmaster's children may hold its shared memory for a time, so the first attempt may fail.
    start: () =>
      eventually(START_MS, async () => {
        const process = runner = await runScript("PostgreSQL", script, config, {});
        let hasEnded = false;
        process.ended.then(() => hasEnded = true);
        while (true) {
          try {
            return await withConnection(databaseUrl(cluster, "supabase_admin", "postgres"), (run) => run("select 1"))
              .then(() => {});
          } catch {
            if (hasEnded) throw new Error(process.output());
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        }
      }),
    stop: () => end("SIGINT"),
    kill: () => end("SIGKILL"),
    crash: () => end("SIGQUIT"),
    isUp: () => postmaster() !== undefined,
  };
  try {
    await server.start();
    await prepareCluster(cluster);
    for (const project of ["governance-hub", "key-vault-executor"] as const) {
      await withConnection(server.url("postgres", project), (run) => migrate(run, projectUrl(project, "migrations/")));
    }
    const login = `alter role function_caller password '${cluster.password}'`;
    await withConnection(server.url("postgres", "governance-hub"), (run) => run(login));
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
