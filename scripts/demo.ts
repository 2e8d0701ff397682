// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task demo`: the specification's whole flow against a throw-away stack, one step after the other: a sentence, the
 * request, the status, the answer. Exits with 0 only if every answer is the specified one.
 */

import { parseArgs } from "node:util";
import { equal } from "@std/assert";
import { type Step, stepsFor } from "./demo_steps.ts";
import { StackError, tell } from "./stack/child.ts";
import { freePort } from "./stack/ready.ts";
import { type Stack, startStack } from "./stack/stack.ts";
import type { StackFile } from "./stack/stack_file.ts";

const HELP = `Runs the whole flow of both projects against a throw-away stack, and shows every request and answer.
Exits with 0 only if every answer is the specified one.

Usage: deno task demo [options]

  --postgres   on native PostgreSQL 17 instead of PGlite
  --help       this text
`;

const isTerminal = Deno.stdout.isTerminal() && !Deno.noColor;

function paint(code: number): (text: string) => string {
  return (text) => isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text;
}

const [bold, dim, red, green] = [paint(1), paint(2), paint(31), paint(32)] as const;

if (import.meta.main) {
  const asked = new Promise<undefined>((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve(undefined));
    Deno.addSignalListener("SIGTERM", () => resolve(undefined));
  });
  Deno.exit(await main(asked));
}

async function main(asked: Promise<undefined>): Promise<number> {
  let dataDir: string | undefined;
  let stack: Stack | undefined;
  try {
    const { postgres, help } = parse(Deno.args);
    if (help) {
      console.log(HELP);
      return 0;
    }
    dataDir = await Deno.makeTempDir();
    await Deno.chmod(dataDir, 0o711);
    const [hubPort, vaultPort] = [freePort(), freePort()];
    const engine = postgres ? "postgres" : "pglite";
    stack = await Promise.race([
      asked,
      startStack({
        engine,
        dataDir,
        hubPort,
        vaultPort,
        fresh: true,
        environment: {},
        logPath: `${dataDir}/requests.log`,
        onProgress: (step) => console.error(`${step} …`),
      }),
    ]);
    if (stack === undefined) return 130;
    return await Promise.race([asked.then(() => 130), run(stack.file)]);
  } catch (error) {
    tell(error);
    return 1;
  } finally {
    await stack?.stop();
    if (dataDir !== undefined) await Deno.remove(dataDir, { recursive: true }).catch(() => {});
  }
}

function parse(args: string[]): { postgres: boolean; help: boolean } {
  try {
    return parseArgs({
      args,
      options: { postgres: { type: "boolean", default: false }, help: { type: "boolean", short: "h", default: false } },
    }).values;
  } catch (error) {
    throw new StackError(`${error instanceof Error ? error.message : error} (see deno task demo --help)`);
  }
}

async function run(file: StackFile): Promise<number> {
  let wrong = 0;
  const steps = stepsFor(file);
  for (const [index, step] of steps.entries()) {
    if (!await take(file, step, `${index + 1}/${steps.length}`)) wrong++;
  }
  console.log(
    wrong === 0 ? green(`\nAll ${steps.length} answers are the specified ones.`) : red(`\n${wrong} are not.`),
  );
  return wrong === 0 ? 0 : 1;
}

async function take(file: StackFile, step: Step, number: string): Promise<boolean> {
  const { url } = step.project === "hub" ? file.governance_hub : file.key_vault_executor;
  const { key, body } = step;
  const header = key.startsWith("krn_") ? ["Authorization", `Bearer ${key}`] : ["X-API-Key", key];
  const method = body ? "POST" : "GET";
  console.log(`\n${bold(`${number}  ${step.sentence}`)}`);
  console.log(dim(`${method} ${url}/functions/v1/${step.request}\n${header[0]}: ${header[1]?.slice(0, 15)}…`));
  if (body) console.log(dim(JSON.stringify(body)));
  const response = await fetch(`${url}/functions/v1/${step.request}`, {
    method,
    headers: { "content-type": "application/json", [header[0] ?? ""]: header[1] ?? "" },
    ...(body && { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  const isRight = response.status === step.status && holds(answer, step.expected);
  console.log((isRight ? green : red)(`${response.status}`), JSON.stringify(answer));
  if (!isRight) console.log(red(`expected ${step.status} with ${JSON.stringify(step.expected)}`));
  return isRight;
}

/** Whether the answer has the expected members, at any depth; arrays have them item by item. */
function holds(answer: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return equal(answer, expected);
  if (typeof answer !== "object" || answer === null) return false;
  if (Array.isArray(expected) && (!Array.isArray(answer) || answer.length !== expected.length)) return false;
  const members = new Map(Object.entries(answer));
  return Object.entries(expected).every(([name, value]) => holds(members.get(name), value));
}
