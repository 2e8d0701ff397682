/** `server status`: what Executors run. */

import type { Command } from "commander";
import { CliError } from "../../../cli/error.ts";
import { print, table, time } from "../../../cli/output.ts";
import { ExecutorProblem, readServers, type ServerExit, type ServerStatus } from "../../client/executor.ts";
import { findTenant, pathOf } from "../../client/find.ts";
import { listTenants, type TenantRow } from "../../client/hub.ts";
import { example, readContext } from "../../command.ts";
import type { SigningKey } from "shared/decision/decision_keys.ts";

const HELP = `
States: running (a call is in flight), idle, starting, backoff (it failed and is tried again after a pause),
crash_loop (it failed five times in a row), stopped. An Executor forgets a server without a process after an hour.

It asks each Executor of EXECUTOR_URLS, with a decision that it signs with DECISION_SIGNING_KEY.`;

/** So many tenants are asked about at once. */
const AT_ONCE = 8;

interface ServerRow extends ServerStatus {
  executor: string;
  tenant_id: string;
  tenant: string;
}

interface ServersReport {
  servers: ServerRow[];
  problems: string[];
}

export function addServerStatusCommand(group: Command): void {
  group.command("status").description(
    "show the servers that Executors run; exits with 1 if an Executor does not answer",
  )
    .argument("[tenant]", "only of this tenant: its id, its name or organization/name")
    .option("--stderr", "also the last lines of each server's error output, without its credentials")
    .addHelpText("after", HELP + "\n" + example("server status acme-shop --stderr"))
    .action((tenant: string | undefined, options: { stderr?: boolean }, command: Command) =>
      status(tenant, options.stderr === true, command)
    );
}

async function status(reference: string | undefined, withErrors: boolean, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const urls = target.executorUrls();
  if (urls.length === 0) throw new CliError("no Executor is known: set EXECUTOR_URLS as the hub has it");
  const key = target.signingKey();
  const tenants = reference === undefined
    ? (await listTenants(target.hub, {})).filter(({ servers }) => servers > 0)
    : [await findTenant(target.hub, reference)];
  const reports = await Promise.all(urls.map((url) => inspect(url, key, tenants)));
  const servers = reports.flatMap((report) => report.servers).sort(byTenant);
  const problems = reports.flatMap((report) => report.problems);
  const shown = withErrors ? servers : servers.map(({ error_output: _, ...server }) => server);
  const lines = [...tableOf(servers, urls.length > 1), ...(withErrors ? servers.flatMap(errorLines) : [])];
  print(json, { ok: problems.length === 0, servers: shown, problems }, lines);
  if (problems.length > 0) throw new CliError(problems.join("; "));
}

/** An Executor that does not answer is asked no further. */
async function inspect(executor: string, key: SigningKey, tenants: TenantRow[]): Promise<ServersReport> {
  const report: ServersReport = { servers: [], problems: [] };
  const actorId = crypto.randomUUID();
  const rest = tenants.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const tenant of rest) {
      if (report.problems.length > 0) return;
      try {
        const found = await readServers(executor, key, tenant, actorId);
        const names = { executor, tenant_id: tenant.id, tenant: pathOf(tenant) };
        report.servers.push(...found.map((server) => ({ ...names, ...server })));
      } catch (error) {
        if (!(error instanceof ExecutorProblem)) throw error;
        report.problems = [error.message];
      }
    }
  }));
  return report;
}

function byTenant(a: ServerRow, b: ServerRow): number {
  return a.tenant.localeCompare(b.tenant) || a.server_id.localeCompare(b.server_id);
}

function tableOf(servers: ServerRow[], hasSeveral: boolean): string[] {
  const rows = servers.map((server) => [
    server.tenant,
    server.server_id,
    ...(hasSeveral ? [server.executor] : []),
    server.state,
    time(server.since),
    String(server.calls),
    String(server.calls_in_flight),
    String(server.restarts),
    exitText(server.last_exit),
    server.last_error ?? "–",
  ]);
  const place = hasSeveral ? ["EXECUTOR"] : [];
  const headings = ["TENANT", "SERVER ID", ...place, "STATE", "SINCE", "CALLS", "IN FLIGHT", "RESTARTS", "LAST EXIT"];
  return table([...headings, "LAST ERROR"], rows, "The Executors know no server of these tenants.");
}

function exitText(exit: ServerExit | null): string {
  if (exit === null) return "–";
  return `${exit.signal ?? `code ${exit.code}`} ${time(exit.at)}`;
}

function errorLines({ tenant, server_id, executor, error_output: lines }: ServerRow): string[] {
  if (lines.length === 0) return [];
  return ["", `${tenant} ${server_id} at ${executor}:`, ...lines.map((line) => `  ${line}`)];
}
