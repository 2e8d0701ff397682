// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task demo`: runs the specification's whole flow against a throw-away stack. For each step, it shows a sentence,
 * the request, the status and the answer. Exits with 0 only if every answer is as specified.
 */

import { newProgram, runProgram } from "../cli/program.ts";
import { type Amazon, startAmazon } from "./amazon.ts";
import { castOf, SCRIPT, SECRETS } from "./steps/cast.ts";
import { flowOf } from "./steps/flow.ts";
import { green, red } from "./paint.ts";
import { organizationSteps } from "./steps/organization.ts";
import { takeStep } from "./take_step.ts";
import { type Stack, startStack } from "../stack/stack.ts";
import type { StackFile } from "../stack/data/stack_file.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../stack/throw_away.ts";

const DESCRIPTION =
  `Runs the whole flow of both projects against a throw-away stack, and shows every request and answer.
Exits with 0 only if every answer is as specified.`;

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
  const dataDir = await makeStackFolder();
  const amazon = startAmazon();
  let stack: Stack | undefined;
  try {
    stack = await Promise.race([asked, startDemoStack(engine, dataDir)]);
    if (stack === undefined) return 130;
    const { sandboxFault } = stack;
    if (sandboxFault !== undefined) console.log(`Servers run WITHOUT a sandbox on this machine (${sandboxFault}).`);
    return await Promise.race([asked.then(() => 130), run(stack.file, amazon, `${dataDir}/requests.log`)]);
  } finally {
    await stack?.stop();
    await amazon.close();
    await removeStackFolder(dataDir).catch(() => {});
  }
}

async function startDemoStack(engine: "pglite" | "postgres", dataDir: string): Promise<Stack> {
  await Deno.mkdir(`${dataDir}/servers`);
  await Deno.copyFile(new URL(SCRIPT, import.meta.url), `${dataDir}/servers/${SCRIPT}`);
  return await startStack({
    ...throwAwayOptions(engine, dataDir),
    // Amazon is on loopback here: this server needs it, others do not.
    environment: { EXECUTOR_NETWORK: SCRIPT },
    onProgress: (step) => console.error(`${step} …`),
  });
}

async function run(file: StackFile, amazon: Amazon, logPath: string): Promise<number> {
  const cast = castOf(file, amazon);
  const [flow, rest] = [flowOf(cast), organizationSteps(cast)];
  const steps = [...flow, ...rest];
  const answers: string[] = [];
  let wrong = 0;
  for (const [index, step] of steps.entries()) {
    if (index === flow.length && !tellLeaks(answers, await Deno.readTextFile(logPath))) wrong++;
    const { isRight, answer } = await takeStep(file, step, `${index + 1}/${steps.length}`);
    answers.push(JSON.stringify(answer));
    if (!isRight) wrong++;
  }
  console.log(
    wrong === 0
      ? green(`\nAll ${steps.length} answers are as specified.`)
      : red(`\n${wrong} answers are not as specified.`),
  );
  return wrong === 0 ? 0 : 1;
}

/** Says whether a value of the credential is in an answer to the agent, or in the log. */
function tellLeaks(answers: string[], log: string): boolean {
  const [inAnswers, inLog] = [answers.join("\n"), log].map((text) => SECRETS.some((value) => text.includes(value)));
  const lines = log.trim().split("\n").length;
  const isClean = !inAnswers && !inLog;
  const where = [...(inAnswers ? ["an answer"] : []), ...(inLog ? ["the log"] : [])].join(" and ");
  const found = isClean
    ? `No value of the credential is in the agent's ${answers.length} answers, or in the ${lines} lines of the log.`
    : `A value of the credential is in ${where}.`;
  console.log((isClean ? green : red)(`\n${found}`));
  return isClean;
}
