// deno-lint-ignore-file no-console -- a program for a terminal
/** The ladder of tests: `deno task test` and `deno task test:…`. The last line is `N passed, N failed`. */

import { Command, CommanderError } from "commander";
import { printError } from "../cli/error.ts";
import { CALLER_TESTS, END_TO_END, endToEnd, type Engine, VAULT_TESTS, WITHOUT_HUB_KEY } from "./end_to_end.ts";
import { type Count, denoTest, type Output, runJobs } from "./test_process.ts";
import { EXECUTOR, ON_BOTH_TRANSPORTS, SLOW, testFiles } from "./test_files.ts";
import { startAdminStack } from "./support/admin/stack.ts";
import { startCluster } from "./support/cluster.ts";

/** How many jobs run at once. More than the cores: each mostly waits for programs and databases. */
const AT_ONCE = 3;

const ORDER = `
Where the end-to-end tests run: on the stack that STACK_FILE names, if it is set; otherwise on a throw-away
stack that has this checkout's code. To use a stack that \`deno task start\` runs:
  STACK_FILE=.local/stack.json deno task test:e2e
  deno test -A governance-hub/tests/list_test.ts      (falls back to .local/stack.json by itself)

Examples:
  deno task test:e2e governance-hub/tests/list_test.ts
  deno task test:e2e --filter "another tenant" --postgres`;

/** Everything but the slow tests. The longest come first, so that all processes end at about the same time. */
async function testAll(): Promise<Count> {
  const { unit, db, programs, admin } = await testFiles();
  return await runJobs(AT_ONCE, [
    (output) => endToEnd("on PGlite, over the data API", { engine: "pglite", dataApi: true, output }),
    (output) => adminCommands(admin, output),
    (output) => endToEnd("on PostgreSQL, directly", { engine: "postgres", output }),
    (output) => database(db, output),
    (output) => denoTest("programs", programs, { output }),
    (output) =>
      endToEnd("callers of a vault without the hub's secret key", {
        engine: "postgres",
        output,
        environment: WITHOUT_HUB_KEY,
        paths: CALLER_TESTS,
      }),
    (output) => denoTest("units", unit, { output }),
  ]);
}

/** All on one cluster, except tests that need their own settings or stop their cluster. */
async function database(paths: string[], output?: Output): Promise<Count> {
  const cluster = await startCluster();
  try {
    return await denoTest("database", paths, { output, environment: cluster.environment });
  } finally {
    await cluster.stop();
  }
}

/** All on one stack: each file has tenants of its own, or sets up the whole vault. */
async function adminCommands(paths: string[], output: Output): Promise<Count> {
  const stack = await startAdminStack();
  try {
    return await denoTest("admin", paths, { output, environment: stack.environment });
  } finally {
    await stack.stop();
  }
}

/** One after the other: these tests watch times. */
async function testSlow(): Promise<Count> {
  const suites = Object.entries(SLOW).map(([title, folder]) => () => denoTest(title, [folder]));
  return await runJobs(1, [
    ...suites,
    () =>
      denoTest("outages, races of requests and leaks, directly", ON_BOTH_TRANSPORTS, {
        environment: { TRANSPORT: "direct" },
      }),
    () => denoTest("the Executor", [EXECUTOR]),
    () =>
      endToEnd("the vault without the hub's secret key, over the data API", {
        engine: "postgres",
        dataApi: true,
        environment: WITHOUT_HUB_KEY,
        paths: VAULT_TESTS,
      }),
  ]);
}

async function testEndToEnd(
  files: string[],
  options: { filter?: string; postgres?: true; dataApi?: true },
): Promise<Count> {
  const paths = files.length > 0 ? files : END_TO_END;
  const { filter, dataApi = false } = options;
  const engine: Engine = options.postgres ? "postgres" : "pglite";
  const givenStack = Deno.env.get("STACK_FILE");
  if (!givenStack) {
    return await endToEnd(`on ${engine === "pglite" ? "PGlite" : "PostgreSQL"}`, { engine, paths, filter, dataApi });
  }
  const environment = { STACK_FILE: await Deno.realPath(givenStack) };
  return await denoTest("end to end, on the given stack", paths, { environment, filter });
}

/** Reads the command line. @throws {CommanderError} for one that means nothing */
function program(finish: (count: Count) => void): Command {
  const program = new Command("deno task test").exitOverride().helpCommand(false).allowExcessArguments(false)
    .description("Runs all tests but the slow ones. Each step is a task of its own, too: test:unit, test:e2e …")
    .action(async () => finish(await testAll()));
  const step = (name: string, description: string) =>
    program.command(name).description(description).allowExcessArguments(false);
  step("unit", "no stack, no PostgreSQL: seconds (deno task test:unit)")
    .action(async () => finish(await denoTest("units", (await testFiles()).unit)));
  step("db", "the SQL: pgTAP, row security, bounds, plans … (deno task test:db)")
    .action(async () => finish(await database((await testFiles()).db)));
  step("e2e", "every endpoint over HTTP (deno task test:e2e)")
    .argument("[files...]", "test files; all end-to-end tests when absent")
    .option("--filter <text>", "only tests with this in their name, or /pattern/")
    .option("--postgres", "a throw-away stack on native PostgreSQL 17 instead of PGlite")
    .option("--data-api", "functions that call the data API instead of the database")
    .addHelpText("after", ORDER)
    .action(async (files, options) => finish(await testEndToEnd(files, options)));
  step("slow", "races, outages, leaks, rotations, a deployment: some minutes (deno task test:slow)")
    .action(async () => finish(await testSlow()));
  return program;
}

async function main(): Promise<number> {
  let count: Count | undefined;
  try {
    await program((result) => count = result).parseAsync(Deno.args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    printError(error);
    return 1;
  }
  const { passed, failed } = count ?? { passed: 0, failed: 0 };
  if (passed + failed === 0) console.error("error: no test has that name");
  console.log(`${passed} passed, ${failed} failed`);
  return passed > 0 && failed === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exit(await main());
