/** Measures contenders in turns, so that other load on the machine affects all equally. */

import { callFor, type Round, spreadOf, summarize } from "../support/figures.ts";
import type { Figures } from "../endpoints/endpoints.ts";
import { mapValues, ms, percent, table } from "../support/numbers.ts";
import type { Scale } from "../support/part.ts";
import type { Contender } from "./contenders.ts";

export const CLIENTS = [1, 16];
export const ROUNDS = 5;
const [ROUND_MS, SHORT_MS] = [1000, 250];

export function roundMs({ short }: Scale): number {
  return short ? SHORT_MS : ROUND_MS;
}

/** The first round only warms up. */
export async function measureContenders(contenders: Contender[], scale: Scale, clientsOf = CLIENTS): Promise<Figures> {
  const rounds: Record<string, Record<string, Round[]>> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    scale.onProgress(round === 0 ? "warming up" : `calls, round ${round} of ${ROUNDS}`);
    for (const clients of clientsOf) {
      for (const { name, call } of contenders) {
        const taken = await callFor(roundMs(scale), clients, call);
        if (round > 0) ((rounds[name] ??= {})[clients] ??= []).push(taken);
      }
    }
  }
  return mapValues(rounds, (byClients) => mapValues(byClients, summarize));
}

export function callTable(heading: string, figures: Figures): string {
  const rows = Object.entries(figures).flatMap(([name, byClients]) =>
    Object.entries(byClients).map(([clients, figure]) => [
      name,
      clients,
      figure.rps.toFixed(0),
      ms(figure.p50_ms),
      ms(figure.p95_ms),
      ms(figure.p99_ms),
      percent(spreadOf(figure)),
    ])
  );
  return table([heading, "clients", "a second", "p50 ms", "p95 ms", "p99 ms", "spread"], rows);
}
