// deno-lint-ignore-file no-console -- a program: its log is its standard output
/** `deno task executor`: runs the Executor until it is told to stop. */

import { newProgram, runProgram } from "../../scripts/cli/program.ts";
import { CliError } from "../../scripts/cli/error.ts";
import { lineOf, openExecutor, WARNING } from "./executor.ts";
import type { SandboxOptions } from "./launch/sandbox.ts";
import { requireSandbox, withoutSandbox } from "./launch/sandbox_setup.ts";
import { readSettings, type Settings, SettingsError, VARIABLES } from "./settings.ts";

const DESCRIPTION =
  "Runs the Executor: registered MCP servers, called with a decision of the hub. Ends with SIGTERM or Ctrl-C.";

const HELP = `
Variables:
${VARIABLES.map(helpOf).join("\n")}`;

/** In milliseconds: what calls in flight have when the Executor stops. */
const STOP_MS = 10_000;

if (import.meta.main) {
  await runProgram(
    newProgram("executor", DESCRIPTION)
      .option("--no-sandbox", "run servers without bubblewrap: they see this machine as the Executor's user does")
      .addHelpText("after", HELP)
      .action(execute),
  );
  Deno.exit(0);
}

async function execute({ sandbox }: { sandbox: boolean }): Promise<void> {
  try {
    const settings = await readSettings((name) => Deno.env.get(name));
    await run(settings, sandbox ? await requireSandbox(settings) : await withoutSandbox(settings));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const fault of error.faults) console.error(`error: ${fault}`);
    throw new CliError("");
  }
}

async function run(settings: Settings, sandbox: SandboxOptions): Promise<void> {
  const isSandboxed = sandbox.bubblewrap !== undefined;
  const executor = await openExecutor(settings, sandbox, (line) => console.log(line));
  const onListen = ({ hostname, port }: Deno.NetAddr) => {
    const commands = executor.commands.join(", ");
    tell({ listening: `http://${hostname}:${port}`, sandbox: isSandboxed ? "bubblewrap" : "none", commands });
    if (!isSandboxed) tell({ warning: WARNING });
  };
  const server = Deno.serve({ hostname: settings.hostname, port: settings.port, onListen }, executor.endpoint);
  await toldToStop();
  await executor.close(() => server.shutdown(), STOP_MS);
}

function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    Deno.addSignalListener("SIGINT", () => resolve());
    Deno.addSignalListener("SIGTERM", () => resolve());
  });
}

function tell(entry: Record<string, unknown>): void {
  console.log(lineOf(entry));
}

function helpOf({ name, meaning, fallback }: (typeof VARIABLES)[number]): string {
  const otherwise = fallback === undefined ? "required" : fallback === "" ? "empty if absent" : `${fallback} if absent`;
  return `  ${name.padEnd(23)} ${meaning} (${otherwise})`;
}
