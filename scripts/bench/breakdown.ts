/**
 * Where a request's time goes, in microseconds: our own phases, timed inside the functions with the data API answering from
 * memory; the SQL functions, as PostgreSQL tells (pg_stat_statements) while the real projects are under the load of one
 * client; and of that load's whole time what is left, which is the data API's.
 */

import postgres from "postgres";
import { makeFolder, type Rig, startRig } from "../slow/rig.ts";
import { StackError } from "../stack/child.ts";
import type { ProjectName } from "../stack/projects.ts";
import { runOne, type Things } from "./endpoints.ts";
import { median } from "./figures.ts";
import { type Load, readLines, startLoad } from "./load.ts";
import { type Phases, type PhasesConfig, RESULT } from "./phases_process.ts";
import { prepareEndpoints, startBaselines, type Target } from "./targets.ts";

export interface BreakdownOptions {
  /** Requests of each endpoint whose phases are timed. */
  calls: number;
  /** How long each endpoint is under load, in milliseconds. */
  ms: number;
  onProgress: (step: string) => void;
}

/** Microseconds of one request. */
export interface Breakdown extends Phases {
  /** What one client waits for the answer over HTTP. */
  whole: number;
  /** HTTP itself: what the constant baseline takes. */
  http: number;
  /** The SQL functions, the mean; without the commit. */
  sql: number;
  /** The data API or, on the vault, both: its HTTP, its driver, its transaction with the commit. */
  dataApi: number;
}

const STATISTICS = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top"];
const PROJECTS = ["governance-hub", "key-vault-executor"] as const;
const WARM_UP_CALLS = 500;

interface UnderLoad {
  whole: number;
  sql: number;
}

export async function measureBreakdown(
  { calls, ms, onProgress }: BreakdownOptions,
  resources: AsyncDisposableStack,
): Promise<Record<string, Breakdown>> {
  onProgress("starting PostgreSQL 17 and both projects");
  const folder = await makeFolder();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const rig = await startRig(folder, STATISTICS);
  resources.defer(() => rig.stop());
  const [constant] = await startBaselines(rig, resources);
  const targets = await prepareEndpoints(rig);
  const endpoints = [...targets, ...byKernel(rig, targets)];

  const phases: Record<string, Phases> = {};
  for (const project of PROJECTS) {
    onProgress(`the phases of ${project}`);
    Object.assign(phases, await measurePhases(rig, project, endpoints, calls));
  }
  const load = startLoad();
  resources.defer(() => load.stop());
  const underLoad = await measureUnderLoad(rig, load, endpoints, ms, onProgress);
  const http = constant ? await medianUs(load, constant, ms, new Map()) : 0;
  return Object.fromEntries(
    Object.entries(phases).map(([name, own]) => {
      const { whole, sql } = underLoad[name] ?? { whole: NaN, sql: NaN };
      return [name, { ...own, whole, http, sql, dataApi: whole - http - own.own - sql }];
    }),
  );
}

/** The hub's list once more, by a kernel: its key's digest is an HMAC. */
function byKernel(rig: Rig, targets: Target[]): Target[] {
  const tenant = rig.organizations[0]?.tenants[1];
  return targets.filter(({ name }) => name === "mcp-servers-list").map((target) => ({
    ...target,
    name: `${target.name}, a kernel`,
    url: `${target.url}?tenant_id=${tenant?.id}`,
    request: { method: "GET", headers: { authorization: `Bearer ${rig.kernelKey}` } },
  }));
}

/** Times the phases in a process that has the variables of the project's own. */
async function measurePhases(
  rig: Rig,
  project: ProjectName,
  endpoints: Target[],
  calls: number,
): Promise<Record<string, Phases>> {
  const { url } = project === "governance-hub" ? rig.hub : rig.vault;
  const requests = endpoints.filter((target) => target.url.startsWith(`${url}/`)).map(({ name, url, request }) => ({
    name,
    path: url.slice(url.indexOf("/functions/v1/") + "/functions/v1/".length),
    request: { ...request, ...(request.body && { body: request.body.replaceAll("{n}", "0") }) },
  }));
  const config: PhasesConfig = { project, requests, warmUp: WARM_UP_CALLS, calls };
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", "--no-check", new URL("phases_process.ts", import.meta.url).href],
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "", ...variablesOf(rig, project) },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  await input.write(new TextEncoder().encode(JSON.stringify(config) + "\n"));
  let result: Record<string, Phases> | undefined;
  for await (const line of readLines(process.stdout)) {
    if (!line.startsWith(RESULT)) continue;
    result = JSON.parse(line.slice(RESULT.length));
    await input.close();
  }
  await process.status;
  if (result === undefined) throw new StackError(`the phases of ${project} cannot be timed`);
  return result;
}

function variablesOf({ hub, vault, keys }: Rig, project: ProjectName): Record<string, string> {
  const [{ url }, { secret_key }] = project === "governance-hub"
    ? [hub, keys.governance_hub]
    : [vault, keys.key_vault_executor];
  return {
    SUPABASE_URL: url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: secret_key }),
    KERNEL_HMAC_SECRET: keys.kernel_hmac_secret,
    REPO_B_URL: hub.url,
    REPO_B_SERVICE_KEY: keys.governance_hub.secret_key,
    CREDENTIAL_ENCRYPTION_KEY: keys.credential_encryption_key,
  };
}

async function measureUnderLoad(
  { database }: Rig,
  load: Load,
  endpoints: Target[],
  ms: number,
  onProgress: (step: string) => void,
): Promise<Record<string, UnderLoad>> {
  const admin = postgres(database.url("supabase_admin", "governance-hub"), { max: 1, onnotice: () => {} });
  await admin`create extension pg_stat_statements`;
  // The number 0 has been made and removed with the phases.
  const things = new Map<string, Things>();
  const measured: Record<string, UnderLoad> = {};
  for (const target of endpoints) {
    onProgress(`${target.name}, one client`);
    await runOne(load, target, 1, ms / 2, things);
    await admin`select pg_stat_statements_reset()`;
    const whole = await medianUs(load, target, ms, things);
    const [row] = await admin`
      select sum(total_exec_time / calls) * 1000 as us from pg_stat_statements where query ~ '\\mcaller\\M'`;
    measured[target.name] = { whole, sql: Number(row?.us) };
  }
  await admin.end();
  return measured;
}

async function medianUs(load: Load, target: Target, ms: number, things: Map<string, Things>): Promise<number> {
  return 1000 * median((await runOne(load, target, 1, ms, things)).timesMs);
}
