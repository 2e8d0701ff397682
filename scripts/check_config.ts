// deno-lint-ignore-file no-console -- a program for a terminal
/** `deno task check-config`: whether the variables that an operator sets are there and well formed. Never shows a value. */

import { parseArgs, parseEnv } from "node:util";
import { type Fault, findHubFaults, findVaultFaults, type Lookup } from "shared/environment.ts";
import { StackError, tell } from "./stack/child.ts";
import type { ProjectName } from "./stack/projects.ts";

const HELP =
  `Checks the variables of both projects, or of one; shows no value. Exits with 1 if one is missing or malformed.

Usage: deno task check-config [options]

  --project hub|vault   that one alone
  --env-file FILE       read them from this file instead of the environment; given once, both projects are read from it
  --help                this text
`;

interface Variable {
  name: string;
  meaning: string;
  isOptional: boolean;
}

const KERNEL_HMAC_SECRET: Variable = {
  name: "KERNEL_HMAC_SECRET",
  meaning: "authenticates kernels; the same value in both projects",
  isOptional: true,
};

/** What an operator sets. SUPABASE_URL and the project's own keys are given by the platform. */
export const VARIABLES: Record<ProjectName, Variable[]> = {
  "governance-hub": [KERNEL_HMAC_SECRET],
  "key-vault-executor": [
    KERNEL_HMAC_SECRET,
    { name: "REPO_B_URL", meaning: "where the hub is", isOptional: false },
    { name: "REPO_B_SERVICE_KEY", meaning: "the hub's secret key", isOptional: false },
    { name: "REPO_B_ANON_KEY", meaning: "accepted, and not used", isOptional: true },
    {
      name: "CREDENTIAL_ENCRYPTION_KEY",
      meaning: "seals every credential: to lose it is to lose them",
      isOptional: false,
    },
    { name: "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS", meaning: "earlier keys, which only open", isOptional: true },
  ],
};

const PROJECT_OPTIONS: Record<string, ProjectName> = { hub: "governance-hub", vault: "key-vault-executor" };

/** The faults among a project's variables. */
export function findFaults(project: ProjectName, lookup: Lookup): Fault[] {
  return project === "governance-hub" ? findHubFaults(lookup) : findVaultFaults(lookup);
}

/** One line for each variable of a project. */
export function report(project: ProjectName, lookup: Lookup): string[] {
  const faults = new Map(findFaults(project, lookup).map((fault) => [fault.variable, fault]));
  return VARIABLES[project].map(({ name, meaning, isOptional }) => {
    const fault = faults.get(name);
    if (fault) return `✗ ${name} is ${fault.state}: it must be ${fault.need}`;
    const isSet = Boolean(lookup(name)?.trim());
    return isSet ? `✓ ${name}` : `– ${name} is not set${isOptional ? " (optional)" : ""}: ${meaning}`;
  });
}

/** The variables of an env file. @throws {StackError} when it cannot be read. */
export async function readEnvFile(path: string): Promise<Lookup> {
  const text = await Deno.readTextFile(path).catch((error) => {
    throw new StackError(`${path} cannot be read: ${error.message}`);
  });
  const variables = parseEnv(text);
  return (name) => variables[name];
}

/** The projects that an option `--project` means. */
export function readProjects(option: string | undefined): ProjectName[] {
  if (option === undefined) return ["governance-hub", "key-vault-executor"];
  const project = PROJECT_OPTIONS[option];
  if (project === undefined) throw new StackError(`--project must be hub or vault`);
  return [project];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { project: { type: "string" }, "env-file": { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const projects = readProjects(values.project);
  const lookup = values["env-file"] === undefined
    ? (name: string) => Deno.env.get(name)
    : await readEnvFile(values["env-file"]);
  let faults = 0;
  for (const project of projects) {
    console.log([project, ...report(project, lookup).map((line) => `  ${line}`)].join("\n"));
    faults += findFaults(project, lookup).length;
  }
  return faults === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    tell(error instanceof TypeError ? new StackError(`${error.message} (see deno task check-config --help)`) : error);
    Deno.exit(1);
  }
}
