/**
 * A process of the local stack. Its parent writes its configuration to its standard input as one line of JSON and keeps
 * that open: when it ends, the parent is gone or wants an end, and the child stops. So a killed parent leaves none behind.
 */

import { printError } from "../cli/error.ts";

export interface Child {
  /** What it is, for messages. */
  readonly name: string;
  /** Settles when the process has ended. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly pid: number;
  /** Asks it to stop, and ends it if it has not after that time. */
  stop(graceMs?: number): Promise<void>;
}

/** How long a child may take to stop by itself, in milliseconds. */
export const GRACE_MS = 1500;

/**
 * Starts `deno run <script>` with exactly these variables and what Deno itself needs.
 *
 * @param logPath a file that its standard output is appended to; the parent's standard output when absent
 */
export async function startChild(
  name: string,
  script: URL,
  config: unknown,
  environment: Record<string, string>,
  logPath?: string,
): Promise<Child> {
  const command = new Deno.Command(Deno.execPath(), {
    // Whoever starts children has installed what they need.
    args: ["run", "-A", "--cached-only", script.href],
    env: { ...pick(["PATH", "HOME", "DENO_DIR", "TMPDIR"]), ...environment },
    clearEnv: true,
    stdin: "piped",
    stdout: logPath === undefined ? "inherit" : "piped",
    stderr: "inherit",
  });
  const process = command.spawn();
  if (logPath !== undefined) {
    const log = await Deno.open(logPath, { create: true, append: true });
    process.stdout.pipeTo(log.writable).catch(() => {});
  }
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(config) + "\n"));
  let isStopping = false;
  return {
    name,
    ended: process.status,
    pid: process.pid,
    async stop(graceMs = GRACE_MS) {
      if (!isStopping) {
        isStopping = true;
        await input.close().catch(() => {});
      }
      const timer = setTimeout(() => process.kill("SIGKILL"), graceMs);
      await process.status;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a child's `main` with its configuration, and what it returns when the parent wants an end.
 * An error is one line on standard error, and exit code 1.
 */
export async function runChild<Config>(main: (config: Config) => Promise<() => Promise<void>>): Promise<never> {
  // The terminal sends these to every process at once; the parent ends its children in their order.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) Deno.addSignalListener(signal, () => {});
  try {
    const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
    let line = "";
    while (!line.endsWith("\n")) {
      const { value, done } = await lines.next();
      if (done) Deno.exit(0);
      line += value;
    }
    const stop = await main(JSON.parse(line));
    while (!(await lines.next()).done);
    await stop();
    Deno.exit(0);
  } catch (error) {
    printError(error);
    Deno.exit(1);
  }
}

function pick(names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
