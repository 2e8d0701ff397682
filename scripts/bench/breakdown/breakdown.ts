/**
 * Breaks down a request's time in microseconds. Our own phases are timed inside the functions, with the data API's
 * answers from memory. The SQL functions' time is that of pg_stat_statements while one client loads the real projects.
 * The rest of that client's waiting time is the data API's. Then the instances under load, with no database at all.
 */

import postgres from "postgres";
import type { ProjectName } from "../../stack/projects.ts";
import { type Loader, newLoader } from "../endpoints/loader.ts";
import { type BenchTarget, prepareEndpoints, startBaselines } from "../endpoints/targets.ts";
import { median } from "../support/figures.ts";
import { fill, startLoad } from "../support/load.ts";
import type { Report, Scale } from "../support/part.ts";
import { openRig, type Rig } from "../support/rig.ts";
import { startWorker } from "../support/worker.ts";
import { measureInstances } from "./instance.ts";
import type { Phases, PhasesConfig } from "./phases_process.ts";
import { reportBreakdown } from "./report.ts";

/** Microseconds of one request. */
export interface Breakdown extends Phases {
  /** One client's waiting time for the answer over HTTP. */
  whole: number;
  /** HTTP itself: the time of the constant baseline. */
  http: number;
  /** The mean of the SQL functions, without the commit. */
  sql: number;
  /** The data API (on the vault, both projects'): its HTTP, its driver, its transaction with the commit. */
  dataApi: number;
}

const STATISTICS = ["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top"];
const PROJECTS = ["governance-hub", "key-vault-executor"] as const;
const WARM_UP_CALLS = 500;

interface UnderLoad {
  whole: number;
  sql: number;
}

export async function measureBreakdown(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  const { short, onProgress } = scale;
  onProgress("starting PostgreSQL 17 and both projects");
  const rig = await openRig(resources, STATISTICS);
  const [constant] = await startBaselines(rig, resources);
  const targets = await prepareEndpoints(rig);
  const endpoints = [...targets, ...byKernel(rig, targets)];

  const phases: Record<string, Phases> = {};
  for (const project of PROJECTS) {
    onProgress(`the phases of ${project}`);
    Object.assign(phases, await measurePhases(rig, project, endpoints, short ? 1000 : 4000, resources));
  }
  const loader = newLoader(startLoad(resources));
  const ms = short ? 800 : 4000;
  const underLoad = await measureUnderLoad(rig, loader, endpoints, ms, onProgress);
  const http = constant ? await medianUs(loader, constant, ms) : 0;
  const variables = (project: ProjectName) => variablesOf(rig, project);
  const instances = await measureInstances(targets, rig, variables, loader, scale, resources);
  const breakdown = Object.fromEntries(
    Object.entries(phases).map(([name, own]) => {
      const { whole, sql } = underLoad[name] ?? { whole: NaN, sql: NaN };
      return [name, { ...own, whole, http, sql, dataApi: whole - http - own.own - sql }];
    }),
  );
  return reportBreakdown(breakdown, instances);
}

/** Adds the hub's list by a kernel, because the digest of a kernel's key is an HMAC. */
function byKernel(rig: Rig, targets: BenchTarget[]): BenchTarget[] {
  const tenant = rig.organizations[0]?.tenants[1];
  return targets.filter(({ name }) => name === "mcp-servers-list").map((target) => ({
    ...target,
    name: `${target.name}, a kernel`,
    url: `${target.url}?tenant_id=${tenant?.id}`,
    request: { method: "GET" as const, headers: { authorization: `Bearer ${rig.kernelKey}` } },
  }));
}

/** Times the phases in a process that has the project's variables. */
async function measurePhases(
  rig: Rig,
  project: ProjectName,
  endpoints: BenchTarget[],
  calls: number,
  resources: AsyncDisposableStack,
): Promise<Record<string, Phases>> {
  const { url } = project === "governance-hub" ? rig.hub : rig.vault;
  const requests = endpoints.filter((target) => target.url.startsWith(`${url}/`)).map(({ name, url, request }) => ({
    name,
    path: url.slice(url.indexOf("/functions/v1/") + "/functions/v1/".length),
    request: { ...request, ...(request.body && { body: fill(request.body, 0) }) },
  }));
  const script = new URL("phases_process.ts", import.meta.url);
  const worker = startWorker<PhasesConfig, Record<string, Phases>>(script, variablesOf(rig, project), resources);
  return await worker.ask({ project, requests, warmUp: WARM_UP_CALLS, calls });
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
  loader: Loader,
  endpoints: BenchTarget[],
  ms: number,
  onProgress: Scale["onProgress"],
): Promise<Record<string, UnderLoad>> {
  const admin = postgres(database.url("supabase_admin", "governance-hub"), { max: 1, onnotice: () => {} });
  await admin`create extension pg_stat_statements`;
  const measured: Record<string, UnderLoad> = {};
  for (const target of endpoints) {
    onProgress(`${target.name}, one client`);
    // Things removed here cannot be removed in the measurement.
    await loader.load(target, 1, target.removes ? ms / 8 : ms / 2);
    await admin`select pg_stat_statements_reset()`;
    const whole = await medianUs(loader, target, ms);
    const [row] = await admin`
      select sum(total_exec_time / calls) * 1000 as us from pg_stat_statements where query ~ '\\mcaller\\M'`;
    measured[target.name] = { whole, sql: Number(row?.us) };
  }
  await admin.end();
  return measured;
}

async function medianUs(loader: Loader, target: BenchTarget, ms: number): Promise<number> {
  return 1000 * median((await loader.load(target, 1, ms)).timesMs);
}
