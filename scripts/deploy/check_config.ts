// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task check-config`: checks that the operator's variables are set and well formed. Never shows a value. */

import { parseEnv } from "node:util";
import { type Command, Option } from "commander";
import { type Fault, findHubFaults, findVaultFaults, type Lookup } from "shared/environment.ts";
import { operatorVariables } from "shared/variables.ts";
import { newProgram, runProgram } from "../cli/program.ts";
import { visible } from "../cli/visible.ts";
import { CliError } from "../cli/error.ts";
import type { ProjectName } from "../stack/projects.ts";

/** The values of the option `--project`. */
export type ProjectOption = "hub" | "vault";

interface Options {
  project?: ProjectOption;
  envFile?: string;
}

function findFaults(project: ProjectName, lookup: Lookup): Fault[] {
  return project === "governance-hub" ? findHubFaults(lookup) : findVaultFaults(lookup);
}

/** One line for each variable of a project. */
function report(project: ProjectName, lookup: Lookup): string[] {
  const faults = new Map<string, Fault>(findFaults(project, lookup).map((fault) => [fault.variable, fault]));
  return operatorVariables(project === "governance-hub" ? "hub" : "vault").map(([name, { required, meaning }]) => {
    const fault = faults.get(name);
    if (fault) return `✗ ${name} is ${fault.state}: it must be ${fault.need}`;
    if (lookup(name)?.trim()) return `✓ ${name}`;
    return `– ${name} is not set (${required === "no" ? "optional" : `required ${required}`}): ${meaning}`;
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

/** Prints a project's report. Returns whether a variable is missing or malformed. */
export function printReport(project: ProjectName, lookup: Lookup): boolean {
  console.log([project, ...report(project, lookup).map((line) => `  ${visible(line)}`)].join("\n"));
  return findFaults(project, lookup).length > 0;
}

async function checkConfig({ project, envFile }: Options): Promise<void> {
  const lookup = envFile === undefined ? (name: string) => Deno.env.get(name) : await readEnvFile(envFile);
  const faulty = readProjects(project).filter((name) => printReport(name, lookup));
  if (faulty.length > 0) Deno.exit(1);
}

if (import.meta.main) {
  const description =
    "Checks the variables of both projects, or of one. Shows no values. Exits with 1 if one is missing or malformed.";
  await runProgram(
    addProjectOption(newProgram("check-config", description))
      .option("--env-file <file>", "read the variables of every checked project from this file, not the environment")
      .action(checkConfig),
  );
}
