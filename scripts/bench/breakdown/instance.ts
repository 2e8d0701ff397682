/**
 * The instance itself: its functions over HTTP with their databases' answers from memory, beside servers that do almost
 * nothing. These are the ceilings of any change to the functions' code.
 */

import { freePort } from "../../stack/ready.ts";
import type { ProjectName } from "../../stack/projects.ts";
import type { Loader } from "../endpoints/loader.ts";
import type { BenchTarget } from "../endpoints/targets.ts";
import { median } from "../support/figures.ts";
import { ms, percent, table } from "../support/numbers.ts";
import type { Scale } from "../support/part.ts";
import type { Rig } from "../support/rig.ts";
import { startWorker, type Worker } from "../support/worker.ts";
import type { Share } from "./cpu_profile.ts";
import type { InstanceJob, InstanceUse } from "./instance_process.ts";

const MEASURED = ["credentials-store", "credentials-retrieve", "credentials-list", "mcp-servers-list", "authorize"];
const CLIENTS = [16, 64];
/** A function that takes less of an instance's time is not named. */
const LEAST_PART = 0.05;
const PROFILE_LEGEND =
  `CPU µs is without the profiler. The profiler samples the clock: a function that hands work to another thread or process
also gets the time that these then take on its core.`;
const SCRIPT = new URL("instance_process.ts", import.meta.url);

/** What one target's clients got, and what the instance spent on it. */
interface InstanceFigure {
  clients: number;
  rps: number;
  p50_ms: number;
  cpu_us: number;
  shares: Share[];
}

interface Instance {
  target: BenchTarget;
  worker: Worker<InstanceJob, InstanceUse>;
}

export async function measureInstances(
  targets: BenchTarget[],
  rig: Rig,
  variablesOf: (project: ProjectName) => Record<string, string>,
  loader: Loader,
  { short, onProgress }: Scale,
  resources: AsyncDisposableStack,
): Promise<string> {
  const instances = await startInstances(targets, rig, variablesOf, resources);
  const rows: string[][] = [];
  for (const instance of instances) {
    onProgress(`${instance.target.name}, the instance itself`);
    for (const clients of CLIENTS) {
      const figure = await measureOne(instance, clients, loader, short ? 500 : 2000);
      rows.push(rowOf(instance.target.name, figure));
    }
  }
  const heading = ["database from memory", "clients", "a second", "p50 ms", "CPU µs", "over 5% of its time"];
  return `${table(heading, rows)}\n\n${PROFILE_LEGEND}`;
}

/** An instance of each project, with all the measured targets, and the two ceilings. */
async function startInstances(
  targets: BenchTarget[],
  rig: Rig,
  variablesOf: (project: ProjectName) => Record<string, string>,
  resources: AsyncDisposableStack,
): Promise<Instance[]> {
  const instances: Instance[] = [];
  for (const { project, url } of [rig.hub, rig.vault]) {
    const environment = { ...variablesOf(project), ...rig.directAccess(project) };
    const worker = startWorker<InstanceJob, InstanceUse>(SCRIPT, environment, resources);
    const port = freePort();
    await worker.ask({ serve: project, port });
    const own = `http://127.0.0.1:${port}`;
    const ceilings = project === "governance-hub" ? ceilingsAt(own) : [];
    const served = targets.filter((target) => MEASURED.includes(target.name) && target.url.startsWith(`${url}/`))
      .map((target) => ({ ...target, url: target.url.replace(url, own), expected: [200, 201] }));
    instances.push(...[...ceilings, ...served].map((target) => ({ target, worker })));
  }
  return instances;
}

function ceilingsAt(url: string): BenchTarget[] {
  const body = JSON.stringify({ service: "amazon", credentials: { api_key: "k".repeat(40) } });
  const headers = { "content-type": "application/json" };
  return [
    { name: "Deno.serve, constant", url: `${url}/constant`, request: { method: "GET", headers: {} }, expected: [200] },
    { name: "Deno.serve, JSON", url: `${url}/json`, request: { method: "POST", headers, body }, expected: [200] },
  ];
}

/** First without the profiler, which slows the instance. */
async function measureOne(
  { target, worker }: Instance,
  clients: number,
  loader: Loader,
  ms: number,
): Promise<InstanceFigure> {
  await loader.load(target, clients, ms / 2);
  await worker.ask({ measure: "begin", profiled: false });
  const { timesMs, elapsedMs } = await loader.load(target, clients, ms);
  const { cpuUs } = await worker.ask({ measure: "end", profiled: false });
  await worker.ask({ measure: "begin", profiled: true });
  await loader.load(target, clients, ms);
  const { shares } = await worker.ask({ measure: "end", profiled: true });
  return {
    clients,
    rps: timesMs.length / elapsedMs * 1000,
    p50_ms: median(timesMs),
    cpu_us: cpuUs / timesMs.length,
    shares,
  };
}

function rowOf(name: string, { clients, rps, p50_ms, cpu_us, shares }: InstanceFigure): string[] {
  const large = shares.filter(({ part }) => part >= LEAST_PART).map(({ what, part }) => `${what} ${percent(part)}`);
  return [name, `${clients}`, rps.toFixed(0), ms(p50_ms), cpu_us.toFixed(0), large.join(", ")];
}
