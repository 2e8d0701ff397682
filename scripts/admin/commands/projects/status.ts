/** `status`: the state of both projects and the Executors, and their problems. */

import type { Command } from "commander";
import { CliError } from "../../../cli/error.ts";
import { type ProjectName, projectUrl } from "../../../stack/projects.ts";
import { CallError, type ProjectAccess, UNREACHABLE } from "../../client/connection/call.ts";
import { ExecutorProblem, requireHealth } from "../../client/executor.ts";
import { example, readContext } from "../../command.ts";
import { readKeysIfKnown, stateOf } from "../../rotation/encryption_keys.ts";
import { count, print } from "../../../cli/output.ts";
import { type ProjectStatus, readStatus } from "../../client/project_status.ts";
import type { Target } from "../../client/connection/target.ts";

/** jsonb does not keep the order of keys. */
const COUNTS = ["organizations", "tenants", "live_api_keys", "live_kernels", "servers", "credentials"];

interface ProjectReport {
  url: string;
  reachable: boolean;
  status: ProjectStatus | null;
  problems: string[];
}

export function addStatusCommand(program: Command): void {
  program.command("status").description(
    "show the state of both projects and of the Executors; exits with 1 if there is a problem",
  )
    .addHelpText("after", example("status --json"))
    .action((_options: unknown, command: Command) => status(command));
}

async function status(command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const [hub, vault, executors] = await Promise.all([
    inspect("governance-hub", target.hub),
    inspect("key-vault-executor", target.vault()),
    Promise.all(target.executorUrls().map(inspectExecutor)),
  ]);
  await markKeys(vault, target);
  const problems = [
    ...hub.problems.map((text) => `governance-hub: ${text}`),
    ...vault.problems.map((text) => `key-vault-executor: ${text}`),
    ...executors.flatMap((executor) => executor.problems),
  ];
  const lines = [
    ...describe("governance-hub", hub),
    "",
    ...describe("key-vault-executor", vault),
    ...executors.flatMap((executor) => ["", `Executor at ${executor.url}`, ...verdictLines(executor.problems)]),
  ];
  print(json, { ok: problems.length === 0, governance_hub: hub, key_vault_executor: vault, executors }, lines);
  if (problems.length > 0) throw new CliError(`there are problems: ${problems.join("; ")}`);
}

/** Marks the current and previous keys, if the command line has the keys. */
async function markKeys({ status }: ProjectReport, target: Target): Promise<void> {
  const keyring = await readKeysIfKnown(target);
  if (keyring === undefined) return;
  for (const key of status?.encryption_keys ?? []) {
    const state = stateOf(keyring, key.id);
    // A missing key is no problem here: these variables may not be the vault's.
    if (state !== "not configured") key.state = state;
  }
}

async function inspect(name: ProjectName, project: ProjectAccess): Promise<ProjectReport> {
  const { url } = project;
  try {
    const status = await readStatus(name, project);
    return { url, reachable: true, status, problems: findProblems(name, status) };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const reachable = !(error instanceof CallError && error.code === UNREACHABLE);
    return { url, reachable, status: null, problems: [error.message.replace(`${name} `, "")] };
  }
}

async function inspectExecutor(url: string): Promise<{ url: string; problems: string[] }> {
  try {
    await requireHealth(url);
    return { url, problems: [] };
  } catch (error) {
    if (!(error instanceof ExecutorProblem)) throw error;
    return { url, problems: [error.message] };
  }
}

function findProblems(name: ProjectName, status: ProjectStatus): string[] {
  const problems = migrationProblems(name, status.migrations);
  const { tenant_scope: role } = status;
  if (role === null) problems.push("the role tenant_scope does not exist: run scripts/deploy/roles.sql");
  if (role?.superuser) problems.push("tenant_scope is a superuser: row-level security does not apply to it");
  if (role?.bypassrls) problems.push("tenant_scope has bypassrls: row-level security does not apply to it");
  if (role?.login) problems.push("tenant_scope can log in");
  for (const called of status.unscoped_functions) problems.push(`the function ${called} does not run as tenant_scope`);
  for (const called of status.open_tables) problems.push(`the table ${called} has no row-level security`);
  return problems;
}

function migrationProblems(name: ProjectName, applied: string[] | null): string[] {
  if (applied === null) return ["the applied migrations are not recorded (supabase_migrations.schema_migrations)"];
  const known = [...Deno.readDirSync(projectUrl(name, "migrations/"))].filter((file) => file.name.endsWith(".sql"))
    .map((file) => file.name.slice(0, file.name.indexOf("_"))).sort();
  return [
    ...known.filter((version) => !applied.includes(version)).map((version) => `migration ${version} is not applied`),
    ...applied.filter((version) => !known.includes(version)).map((version) =>
      `migration ${version} is applied, but this clone does not have it`
    ),
  ];
}

function describe(name: ProjectName, { url, status, problems }: ProjectReport): string[] {
  const lines = [`${name} at ${url}`];
  if (status !== null) {
    lines.push(`  migrations    ${status.migrations?.join(", ") ?? "unknown"}`);
    for (const thing of COUNTS) {
      const amount = status.counts[thing];
      if (amount === undefined) continue;
      lines.push(`  ${thing.replaceAll("_", " ").replace("api", "API").padEnd(13)} ${amount.toLocaleString("en")}`);
    }
    for (const { id, credentials, state } of status.encryption_keys ?? []) {
      lines.push(`  encryption key ${id}: ${count(credentials, "credential")}${state ? ` (${state})` : ""}`);
    }
    lines.push(`  tenant_scope  ${describeRole(status)}`);
  }
  return [...lines, ...verdictLines(problems)];
}

function verdictLines(problems: string[]): string[] {
  return problems.length === 0 ? ["  ✓ all checks pass"] : problems.map((problem) => `  ✗ ${problem}`);
}

function describeRole({ tenant_scope: role, unscoped_functions }: ProjectStatus): string {
  if (role === null) return "missing";
  const bound = role.superuser || role.bypassrls ? "not bound" : "bound";
  const functions = unscoped_functions.length === 0 ? "all" : "not all";
  return `${bound} by row-level security, owns ${functions} of the tenant functions`;
}
