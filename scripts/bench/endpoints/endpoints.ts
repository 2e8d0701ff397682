/** Measures every endpoint over HTTP with several numbers of clients, next to the baselines, on durable PostgreSQL. */

import { type Figure, type Round, spreadOf, summarize, timesThat } from "../support/figures.ts";
import { startLoad } from "../support/load.ts";
import { mapValues, ms, percent, roundAll, table, times } from "../support/numbers.ts";
import type { Report, Scale } from "../support/part.ts";
import { openRig } from "../support/rig.ts";
import { newLoader } from "./loader.ts";
import { type BenchTarget, prepareEndpoints, startBaselines } from "./targets.ts";

export const CLIENTS = [1, 16, 64];
const ROUNDS = 5;
const ROUND_MS = 2000;
const SHORT_MS = 120;

/** By name and number of clients. */
export type Figures = Record<string, Record<string, Figure>>;

export async function measureEndpoints(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  scale.onProgress("starting PostgreSQL 17 and both projects");
  const rig = await openRig(resources);
  const baselines = await startBaselines(rig, resources);
  const endpoints = await prepareEndpoints(rig);
  const figures = await measureInTurns([...baselines, ...endpoints], scale, resources);
  const named = (targets: BenchTarget[]) => Object.fromEntries(targets.map(({ name }) => [name, figures[name] ?? {}]));
  return {
    tables: [endpointTable(figures)],
    verdicts: [],
    json: { baselines: toJson(named(baselines)), endpoints: toJson(named(endpoints)) },
  };
}

/** Each round measures every target in turn, so that other load on the machine affects all equally. */
export async function measureInTurns(
  targets: BenchTarget[],
  { short, onProgress }: Scale,
  resources: AsyncDisposableStack,
  roundMs = ROUND_MS,
): Promise<Figures> {
  const loader = newLoader(startLoad(resources));
  const rounds: Record<string, Record<string, Round[]>> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    onProgress(round === 0 ? "warming up" : `endpoints, round ${round} of ${ROUNDS}`);
    for (const clients of CLIENTS) {
      for (const target of targets) {
        const taken = await loader.load(target, clients, short ? SHORT_MS : roundMs);
        if (round > 0) ((rounds[target.name] ??= {})[clients] ??= []).push(taken);
      }
    }
  }
  return mapValues(rounds, (byClients) => mapValues(byClients, summarize));
}

export function endpointTable(figures: Figures): string {
  const rows = Object.entries(figures).flatMap(([name, byClients]) =>
    Object.entries(byClients).map(([clients, figure]) => [
      name,
      clients,
      figure.rps.toFixed(0),
      ms(figure.p50_ms),
      ms(figure.p95_ms),
      ms(figure.p99_ms),
      percent(spreadOf(figure)),
      times(timesThat(figure, figures.update?.[clients] ?? figure)),
    ])
  );
  const headings = ["over HTTP", "clients", "a second", "p50 ms", "p95 ms", "p99 ms", "spread", "× update's p50"];
  return table(headings, rows);
}

export function toJson(figures: Figures): unknown {
  return mapValues(
    figures,
    (byClients) => mapValues(byClients, ({ rps, p50_ms, p95_ms, p99_ms }) => roundAll({ rps, p50_ms, p95_ms, p99_ms })),
  );
}
