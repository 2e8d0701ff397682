/** Processes of the local stack under test. Keeps their output, and signals them by their own ids. */

import type { Child } from "../../../stack/child.ts";

/** How long a process may take to stop, in milliseconds. */
const GRACE_MS = 1500;

export interface RunningProcess extends Child {
  /** Its standard output and standard error so far. */
  output(): string;
  signal(signal: Deno.Signal): void;
  /** Kills it with SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts a script with only these variables. It reads its configuration like `scripts/stack/child.ts`.
 *
 * @param logPath the file to append its standard output to, instead of keeping it
 */
export async function runScript(
  name: string,
  script: URL,
  config: unknown,
  environment: Record<string, string>,
  logPath?: string,
): Promise<RunningProcess> {
  const run = [Deno.execPath(), "run", "-A", "--cached-only", "--no-check", script.href];
  const redirect = logPath === undefined ? 'exec "$@"' : `exec "$@" >> '${logPath}'`;
  const process = new Deno.Command("sh", {
    args: ["-c", redirect, "sh", ...run],
    cwd: new URL("../../", script),
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", NO_COLOR: "1", ...environment },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output: string[] = [];
  const read = [process.stdout, process.stderr].map((stream) =>
    stream.pipeThrough(new TextDecoderStream()).pipeTo(new WritableStream({ write: (text) => void output.push(text) }))
  );
  const ended = Promise.all([process.status, ...read]).then(([status]) => status);
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(config) + "\n"));
  const signal = (signal: Deno.Signal) => {
    try {
      process.kill(signal);
    } catch {
      // The process has ended.
    }
  };
  return {
    name,
    pid: process.pid,
    ended,
    output: () => output.join(""),
    signal,
    async kill() {
      signal("SIGKILL");
      await input.abort().catch(() => {});
      await ended;
    },
    async stop() {
      await input.close().catch(() => {});
      const timer = setTimeout(() => signal("SIGKILL"), GRACE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Retries until it does not throw. @throws the last error after this many milliseconds. */
export async function eventually<T>(withinMs: number, attempt: () => Promise<T> | T): Promise<T> {
  const deadline = performance.now() + withinMs;
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
