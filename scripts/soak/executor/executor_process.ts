/** The Executor's own program, as an operator starts it, and the processes of its servers. */

import { fileURLToPath } from "node:url";
import { CliError } from "../../cli/error.ts";

const MAIN = fileURLToPath(new URL("../../../key-vault-executor/executor/main.ts", import.meta.url));
const START_MS = 15_000;

export interface SoakedExecutor {
  url: string;
  pid: number;
  /** Whether it still runs. */
  isRunning(): boolean;
  stop(): Promise<void>;
}

export interface SoakedExecutorOptions {
  folder: string;
  verifyKey: string;
  vaultPort: number;
}

/** With a sandbox: without one nobody promises that no process is left. @throws {CliError} */
export async function startExecutor({ folder, verifyKey, vaultPort }: SoakedExecutorOptions): Promise<SoakedExecutor> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--unstable-no-legacy-abort", MAIN],
    env: {
      DECISION_VERIFY_KEYS: verifyKey,
      VAULT_URL: `http://127.0.0.1:${vaultPort}`,
      EXECUTOR_KEY: `krn_${"a".repeat(49)}`,
      EXECUTOR_PORT: "0",
      EXECUTOR_SERVERS: folder,
      EXECUTOR_PACKAGES: `${folder}/packages`,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  let url: string | undefined;
  // A full pipe would block the Executor, so its log is read to the end.
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      if (url === undefined) output += text;
      url ??= /"listening":"([^"]+)"/.exec(output)?.[1];
    }
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  let isRunning = true;
  void ended.then(() => isRunning = false);
  const deadline = performance.now() + START_MS;
  while (url === undefined && isRunning && performance.now() < deadline) await wait(50);
  if (url === undefined) throw new CliError(`the Executor did not start: ${output.trim().split("\n").at(-1)}`);
  return {
    url,
    pid: child.pid,
    isRunning: () => isRunning,
    async stop() {
      if (isRunning) child.kill("SIGTERM");
      await ended;
    },
  };
}

export interface ServerProcess {
  pid: number;
  /** Its arguments. */
  words: string[];
}

/** The processes of this machine that have the mark in their arguments. */
export async function findProcesses(mark: string): Promise<ServerProcess[]> {
  const found: ServerProcess[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(mark)) found.push({ pid: Number(name), words: line.split("\0") });
  }
  return found;
}

/** In megabytes. Undefined if it does not run. */
export async function residentMb(pid: number): Promise<number | undefined> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
