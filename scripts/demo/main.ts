// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task demo`: runs the specification's whole flow against a throw-away stack. For each step, it shows a sentence,
 * the request, the status and the answer. Exits with 0 only if every answer is as specified.
 */

import { equal } from "@std/assert";
import { createClient, FunctionsHttpError } from "@supabase/supabase-js";
import { newProgram, runProgram } from "../cli/program.ts";
import { visible, visibleJson } from "../cli/visible.ts";
import { type DemoStep, stepsFor } from "./steps.ts";
import { freePort } from "../stack/ready.ts";
import { type Stack, startStack } from "../stack/stack.ts";
import type { StackFile } from "../stack/stack_file.ts";

const DESCRIPTION =
  `Runs the whole flow of both projects against a throw-away stack, and shows every request and answer.
Exits with 0 only if every answer is as specified.`;

const NO_SESSION = { persistSession: false, autoRefreshToken: false };

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
  await runProgram(
    newProgram("demo", DESCRIPTION)
      .option("--postgres", "use native PostgreSQL 17 instead of PGlite")
      .action(async ({ postgres }: { postgres?: boolean }) =>
        Deno.exit(await demo(postgres ? "postgres" : "pglite", asked))
      ),
  );
}

async function demo(engine: "pglite" | "postgres", asked: Promise<undefined>): Promise<number> {
  const dataDir = await Deno.makeTempDir();
  let stack: Stack | undefined;
  try {
    await Deno.chmod(dataDir, 0o711);
    const [hubPort, vaultPort] = [freePort(), freePort()];
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
  } finally {
    await stack?.stop();
    await Deno.remove(dataDir, { recursive: true }).catch(() => {});
  }
}

async function run(file: StackFile): Promise<number> {
  let wrong = 0;
  const steps = stepsFor(file);
  for (const [index, step] of steps.entries()) {
    if (!await take(file, step, `${index + 1}/${steps.length}`)) wrong++;
  }
  console.log(
    wrong === 0
      ? green(`\nAll ${steps.length} answers are as specified.`)
      : red(`\n${wrong} answers are not as specified.`),
  );
  return wrong === 0 ? 0 : 1;
}

async function take(file: StackFile, step: DemoStep, number: string): Promise<boolean> {
  const { url, publishable_key } = step.project === "hub" ? file.governance_hub : file.key_vault_executor;
  const { key, body } = step;
  const headers: Record<string, string> = key.startsWith("krn_")
    ? { Authorization: `Bearer ${key}` }
    : { "X-API-Key": key };
  console.log(`\n${bold(`${number}  ${visible(step.sentence)}`)}`);
  console.log(dim(`${body ? "POST" : "GET"} ${url}/functions/v1/${step.request}`));
  for (const [name, value] of Object.entries(headers)) console.log(dim(`${name}: ${value.slice(0, 15)}…`));
  if (body) console.log(dim(visibleJson(body)));
  const { functions } = createClient(url, publishable_key, { auth: NO_SESSION, global: { headers } });
  const { data, error, response } = await functions.invoke(step.request, body ? { body } : { method: "GET" });
  if (response === undefined) throw error;
  const answer = error instanceof FunctionsHttpError ? await error.context.json() : data;
  const isRight = response.status === step.status && holds(answer, step.expected);
  console.log((isRight ? green : red)(`${response.status}`), visibleJson(answer));
  if (!isRight) console.log(red(`expected ${step.status} with ${visibleJson(step.expected)}`));
  return isRight;
}

/** Whether the answer has the expected members at any depth. Arrays must match item by item. */
function holds(answer: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return equal(answer, expected);
  if (typeof answer !== "object" || answer === null) return false;
  if (Array.isArray(expected) && (!Array.isArray(answer) || answer.length !== expected.length)) return false;
  const members = new Map(Object.entries(answer));
  return Object.entries(expected).every(([name, value]) => holds(members.get(name), value));
}
