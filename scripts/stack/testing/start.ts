/** Runs `deno task start` in tests as a user does. Ends each, also when a test fails. */

import { assert, assertEquals } from "@std/assert";
import { removeDataFolder } from "../postgres/system_user.ts";
import { freePort } from "../ready.ts";
import type { StackFile } from "../data/stack_file.ts";

const START = new URL("../main.ts", import.meta.url).pathname;

export interface Running {
  process: Deno.ChildProcess;
  output: () => string;
  dataDir: string;
  args: string[];
}

/** Those that a failed test has left running. */
const running = new Set<Deno.ChildProcess>();
Deno.test.afterAll(() => running.forEach((process) => process.kill("SIGKILL")));

export function spawn(
  args: string[],
  env: Record<string, string> = {},
): { process: Deno.ChildProcess; output: () => string } {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", START, ...args],
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(process);
  process.status.then(() => running.delete(process));
  let output = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.pipeThrough(new TextDecoderStream()).pipeTo(
      new WritableStream({ write: (text) => void (output += text) }),
    ).catch(() => {});
  }
  return { process, output: () => output };
}

/** Starts a stack as a user does and waits until it says that it is ready. */
export async function start(args: string[], env: Record<string, string> = {}): Promise<Running> {
  const dataDir = args[args.indexOf("--data-dir") + 1] ?? "";
  const { process, output } = spawn(args, env);
  await untilPrinted(process, output, "Ready in");
  return { process, output, dataDir, args };
}

/** Waits until a start has printed that, and fails when it ends before. */
export async function untilPrinted(process: Deno.ChildProcess, output: () => string, text: string): Promise<void> {
  let hasEnded = false;
  process.status.then(() => hasEnded = true);
  while (!output().includes(text)) {
    assert(!hasEnded, output());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Runs a start that must fail, to its end. */
export async function fail(args: string[], env: Record<string, string> = {}, code = 1): Promise<string> {
  const { process, output } = spawn(args, env);
  assertEquals((await process.status).code, code, output());
  return output();
}

export async function stop({ process }: Running, signal: Deno.Signal = "SIGTERM"): Promise<void> {
  process.kill(signal);
  await process.status;
}

/** A temporary folder, which only its owner may enter: as root, the user that PostgreSQL runs as may not. */
export async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await removeDataFolder(`${folder}/postgres/cluster`);
    await Deno.remove(folder, { recursive: true });
  }
}

export function argsFor(dataDir: string, ...more: string[]): string[] {
  const ports = ["--hub-port", "--vault-port", "--executor-port"].flatMap((option) => [option, `${freePort()}`]);
  return ["--data-dir", dataDir, ...ports, ...more];
}

export async function readStack({ dataDir }: { dataDir: string }): Promise<StackFile> {
  return JSON.parse(await Deno.readTextFile(`${dataDir}/stack.json`));
}

/** The curl commands that a start has printed, to paste. */
export function curlsOf(output: string): string[] {
  return output.split("\n\n").filter((block) => block.startsWith("curl "));
}
