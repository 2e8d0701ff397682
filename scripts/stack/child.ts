/**
 * A process of the local stack. Its parent writes the configuration to the child's standard input as one line of JSON,
 * and keeps the input open. The child stops when the input ends, so a killed parent leaves no processes behind.
 */

import { printError } from "../cli/error.ts";

export interface Child {
  /** Its name in messages. */
  readonly name: string;
  /** Settles when the process ends. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly pid: number;
  /** Asks it to stop, and kills it if it still runs after that time. */
  stop(graceMs?: number): Promise<void>;
}

/** How long a child may take to stop, in milliseconds. */
export const GRACE_MS = 1500;

/**
 * Starts `deno run <script>` with only these variables and those that Deno itself needs.
 *
 * @param logPath the file to append its standard output to. Without it, the child uses the parent's standard output.
 */
export async function startChild(
  name: string,
  script: URL,
  config: unknown,
  environment: Record<string, string>,
  logPath?: string,
): Promise<Child> {
  const command = new Deno.Command(Deno.execPath(), {
    // The parent's own start has installed all packages. Unless told otherwise, Deno aborts answered requests, too.
    args: ["run", "-A", "--cached-only", "--unstable-no-legacy-abort", script.href],
    env: { ...pick(["PATH", "HOME", "DENO_DIR", "TMPDIR"]), ...environment },
    clearEnv: true,
    stdin: "piped",
    stdout: logPath === undefined ? "inherit" : "piped",
    stderr: "inherit",
  });
  const process = command.spawn();
  if (logPath !== undefined) void appendTo(await Deno.open(logPath, { create: true, append: true }), process.stdout);
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
 * Runs a child's `main` with its configuration. When the input ends, runs the function that `main` returned.
 * Prints an error as one line on standard error, and exits with 1.
 */
export async function runChild<Config>(main: (config: Config) => Promise<() => Promise<void>>): Promise<never> {
  // The terminal sends these signals to every process at once, but the parent stops its children in order.
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

/** Writes at once. A writable stream of Deno's files holds back what it gets until it is closed. */
async function appendTo(log: Deno.FsFile, output: ReadableStream<Uint8Array>): Promise<void> {
  for await (const chunk of output) {
    for (let written = 0; written < chunk.length;) written += await log.write(chunk.subarray(written));
  }
  log.close();
}

function pick(names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}
