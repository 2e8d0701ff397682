/** Measures every endpoint over HTTP with several numbers of clients, next to the baselines, on durable PostgreSQL. */

import { timesThat } from "../support/figures.ts";
import { startLoad } from "../support/load.ts";
import { mapValues, roundAll, table, times } from "../support/numbers.ts";
import type { Report, Scale } from "../support/part.ts";
import { openRig } from "../support/rig.ts";
import { FIGURE_HEADINGS, figureRows, type Figures, measureRounds } from "../support/turns.ts";
import { newLoader } from "./loader.ts";
import { type BenchTarget, prepareEndpoints, startBaselines } from "./targets.ts";

export const CLIENTS = [1, 16, 64];
const ROUND_MS = 2000;
const SHORT_MS = 120;

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
  const take = (target: BenchTarget, clients: number) => loader.load(target, clients, short ? SHORT_MS : roundMs);
  return await measureRounds("endpoints", targets, CLIENTS, onProgress, take);
}

export function endpointTable(figures: Figures): string {
  const rows = figureRows(
    figures,
    (figure, clients) => [times(timesThat(figure, figures.update?.[clients] ?? figure))],
  );
  return table(["over HTTP", ...FIGURE_HEADINGS, "× update's p50"], rows);
}

export function toJson(figures: Figures): unknown {
  return mapValues(
    figures,
    (byClients) => mapValues(byClients, ({ rps, p50_ms, p95_ms, p99_ms }) => roundAll({ rps, p50_ms, p95_ms, p99_ms })),
  );
}
