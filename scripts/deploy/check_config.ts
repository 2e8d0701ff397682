// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task check-config`: checks that the operator's variables of both projects and of the Executor are set and well
 * formed. Never shows a value.
 */

import { parseEnv } from "node:util";
import { type Command, Option } from "commander";
import { findFaults as findExecutorFaults, VARIABLES as SETTINGS } from "key-vault-executor/executor/settings.ts";
import { type Fault, findHubFaults, findVaultFaults, type Lookup } from "shared/environment.ts";
import { operatorVariables } from "shared/variables.ts";
import { newProgram, runProgram } from "../cli/program.ts";
import { visible } from "../cli/visible.ts";
import { CliError } from "../cli/error.ts";
import type { ProjectName } from "../stack/projects.ts";

/** The values of the option `--project`. */
export type ProjectOption = "hub" | "vault";

interface CheckConfigOptions {
  project?: ProjectOption | "executor";
  envFile?: string;
}

/** What the report says of a variable that is not set. */
interface DescribedVariable {
  name: string;
  need: string;
  meaning: string;
}

type AnyFault = Pick<Fault, "state" | "need"> & { variable: string };

interface Checked {
  variables: DescribedVariable[];
  faults: AnyFault[];
}

function check(name: ProjectName | "executor", lookup: Lookup): Checked {
  if (name === "executor") return { variables: SETTINGS.map(describeSetting), faults: findExecutorFaults(lookup) };
  const isHub = name === "governance-hub";
  const variables = operatorVariables(isHub ? "hub" : "vault").map(([name, { required, meaning }]) => ({
    name,
    need: required === "no" ? "optional" : `required ${required}`,
    meaning,
  }));
  return { variables, faults: isHub ? findHubFaults(lookup) : findVaultFaults(lookup) };
}

function describeSetting({ name, meaning, fallback }: (typeof SETTINGS)[number]): DescribedVariable {
  return { name, need: fallback ? `optional, by default ${fallback}` : "optional", meaning };
}

/** One line for each variable. */
function report({ variables, faults }: Checked, lookup: Lookup): string[] {
  return variables.map(({ name, need, meaning }) => {
    const fault = faults.find(({ variable }) => variable === name);
    if (fault) return `✗ ${name} is ${fault.state}: it must be ${fault.need}`;
    return lookup(name)?.trim() ? `✓ ${name}` : `– ${name} is not set (${need}): ${meaning}`;
  });
}

/** The variables of an env file. @throws {CliError} when it cannot be read. */
export async function readEnvFile(path: string): Promise<Lookup> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new CliError(`${path} cannot be read: ${error.message}`);
  });
  const variables = parseEnv(text);
  return (name) => variables[name];
}

export function addProjectOption(command: Command): Command {
  return command.addOption(new Option("--project <project>", "only this project").choices(["hub", "vault"]));
}

/** The projects that `--project` selects. */
export function readProjects(option: ProjectOption | undefined): ProjectName[] {
  if (option === undefined) return ["governance-hub", "key-vault-executor"];
  return [option === "hub" ? "governance-hub" : "key-vault-executor"];
}

/** Prints a report. Returns whether a variable is missing or malformed. */
export function printReport(name: ProjectName | "executor", lookup: Lookup): boolean {
  const checked = check(name, lookup);
  console.log([name, ...report(checked, lookup).map((line) => `  ${visible(line)}`)].join("\n"));
  return checked.faults.length > 0;
}

async function checkConfig({ project, envFile }: CheckConfigOptions): Promise<void> {
  const lookup = envFile === undefined ? (name: string) => Deno.env.get(name) : await readEnvFile(envFile);
  const names = project === "executor" ? [project] : readProjects(project);
  const faulty = names.filter((name) => printReport(name, lookup));
  if (faulty.length > 0) Deno.exit(1);
}

if (import.meta.main) {
  const description =
    "Checks the variables of both projects, or of one, or of the Executor. Shows no values. Exits with 1 if one is missing " +
    "or malformed.";
  await runProgram(
    newProgram("check-config", description)
      .addOption(new Option("--project <project>", "only this one").choices(["hub", "vault", "executor"]))
      .option("--env-file <file>", "read the variables of every checked project from this file, not the environment")
      .action(checkConfig),
  );
}
