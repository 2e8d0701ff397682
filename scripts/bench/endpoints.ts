/** Every endpoint over HTTP at several numbers of clients, beside the baselines, on native PostgreSQL that keeps what it says. */

import { type Figure, type Round, summarize } from "./figures.ts";
import { type Load, startLoad } from "./load.ts";
import { StackError } from "../stack/child.ts";
import { prepareEndpoints, startBaselines, type Target } from "./targets.ts";
import { makeFolder, startRig } from "../slow/rig.ts";

export interface EndpointOptions {
  clients: number[];
  rounds: number;
  /** How long each is under load in a round, in milliseconds. */
  ms: number;
  onProgress: (step: string) => void;
}

/** By name and number of clients. */
export type EndpointFigures = Record<string, Record<string, Figure>>;

export async function measureEndpoints(
  options: EndpointOptions,
  resources: AsyncDisposableStack,
): Promise<{ baselines: EndpointFigures; endpoints: EndpointFigures }> {
  options.onProgress("starting PostgreSQL 17 and both projects");
  const folder = await makeFolder();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const rig = await startRig(folder);
  resources.defer(() => rig.stop());
  const baselines = await startBaselines(rig, resources);
  const endpoints = await prepareEndpoints(rig);
  const load = startLoad();
  resources.defer(() => load.stop());

  const rounds = new Map([...baselines, ...endpoints].map((target) => [target, new Map<number, Round[]>()]));
  const things = new Map<string, Things>();
  for (let round = 0; round <= options.rounds; round++) {
    options.onProgress(round === 0 ? "warming up" : `endpoints, round ${round} of ${options.rounds}`);
    for (const clients of options.clients) {
      for (const [target, kept] of rounds) {
        const taken = await runOne(load, target, clients, options.ms, things);
        if (round > 0) kept.set(clients, [...kept.get(clients) ?? [], taken]);
      }
    }
  }
  const figures = (targets: Target[]) =>
    Object.fromEntries(targets.map((target) => [target.name, byClients(rounds.get(target) ?? new Map())]));
  return { baselines: figures(baselines), endpoints: figures(endpoints) };
}

/** What there is of a project's, by number: from the first that is still there to before the next to be made. */
export interface Things {
  first: number;
  next: number;
}

/** @throws when an answer has not done what it is for: then its time says nothing. */
export async function runOne(
  load: Load,
  { name, url, request, expected, makes, removes }: Target,
  clients: number,
  ms: number,
  things: Map<string, Things>,
): Promise<Round> {
  const own = things.get(makes ?? removes ?? name) ?? { first: 1, next: 1 };
  const [from, until] = removes ? [own.first, own.next] : [own.next, Number.MAX_SAFE_INTEGER];
  const { statuses, next, timesMs, elapsedMs } = await load.run({ url, request, clients, ms, from, until });
  things.set(makes ?? removes ?? name, removes ? { ...own, first: next } : { ...own, next });
  const others = Object.keys(statuses).filter((status) => !expected.includes(Number(status)));
  if (others.length > 0 || timesMs.length === 0) {
    throw new StackError(`${name} answered ${JSON.stringify(statuses)} under the load of ${clients} clients`);
  }
  return { timesMs, elapsedMs };
}

function byClients(rounds: Map<number, Round[]>): Record<string, Figure> {
  return Object.fromEntries([...rounds].map(([clients, taken]) => [String(clients), summarize(taken)]));
}
