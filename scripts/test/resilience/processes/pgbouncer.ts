/** PgBouncer in front of a test's PostgreSQL. */

import { postgresUser } from "../../../stack/postgres/system_user.ts";
import { freePort } from "../../../stack/ready.ts";
import { eventually } from "./running.ts";

const START_MS = 10_000;

export interface PgBouncer {
  /** The address of that database, through the pooler. */
  through(databaseUrl: string): string;
  start(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

export interface PgBouncerOptions {
  mode: "session" | "transaction";
  /** The most server connections for each database and role. */
  poolSize: number;
}

/**
 * Starts PgBouncer, with its configuration in the folder.
 *
 * @param databaseUrl any address of the server, with a role's password
 * @throws {Error} if it is not installed
 */
export async function startPgBouncer(
  folder: string,
  databaseUrl: string,
  { mode, poolSize }: PgBouncerOptions,
): Promise<PgBouncer> {
  const server = new URL(databaseUrl);
  const port = freePort();
  const path = `${folder}/pgbouncer-${mode}.ini`;
  // With the plain password, PgBouncer can check it and send it on with SCRAM.
  await Deno.writeTextFile(`${folder}/users-${mode}.txt`, `"${server.username}" "${server.password}"\n`);
  await Deno.writeTextFile(
    path,
    `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${folder}/users-${mode}.txt
pool_mode = ${mode}
default_pool_size = ${poolSize}
server_login_retry = 1
log_connections = 0
log_disconnections = 0
`,
  );
  const user = await postgresUser();
  let process: Deno.ChildProcess | undefined;

  const start = async () => {
    // Debian's package puts it where only root's PATH leads.
    const env = { PATH: `${Deno.env.get("PATH")}:/usr/sbin` };
    process = new Deno.Command("pgbouncer", { args: [path], env, ...user, stdout: "null", stderr: "piped" }).spawn();
    const output = new Response(process.stderr).text();
    try {
      await eventually(START_MS, async () => (await Deno.connect({ hostname: "127.0.0.1", port })).close());
    } catch {
      await kill();
      throw new Error(`PgBouncer does not start: ${await output}`);
    }
  };
  const kill = async () => {
    process?.kill("SIGKILL");
    await process?.status;
    process = undefined;
  };
  await start().catch((error) => {
    throw error instanceof Deno.errors.NotFound
      ? new Error("PgBouncer is not installed: apt-get install pgbouncer", { cause: error })
      : error;
  });
  return {
    through(address) {
      const url = new URL(address);
      url.port = `${port}`;
      if (mode === "transaction") url.searchParams.set("pgbouncer", "true");
      return url.href;
    },
    start,
    kill,
  };
}
