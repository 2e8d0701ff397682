/** Measures contenders in turns, so that other load on the machine affects all equally. */

import { type Figure, type Round, spreadOf, summarize } from "./figures.ts";
import { mapValues, ms, percent } from "./numbers.ts";

export const ROUNDS = 5;

/** By name and number of clients. */
export type Figures = Record<string, Record<string, Figure>>;

/** The first round only warms up. `what` names the contenders in the progress. */
export async function measureRounds<Contender extends { name: string }>(
  what: string,
  contenders: readonly Contender[],
  clientsOf: readonly number[],
  onProgress: (text: string) => void,
  take: (contender: Contender, clients: number) => Promise<Round>,
): Promise<Figures> {
  const rounds: Record<string, Record<string, Round[]>> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    onProgress(round === 0 ? "warming up" : `${what}, round ${round} of ${ROUNDS}`);
    for (const clients of clientsOf) {
      for (const contender of contenders) {
        const taken = await take(contender, clients);
        if (round > 0) ((rounds[contender.name] ??= {})[clients] ??= []).push(taken);
      }
    }
  }
  return mapValues(rounds, (byClients) => mapValues(byClients, summarize));
}

export const FIGURE_HEADINGS = ["clients", "a second", "p50 ms", "p95 ms", "p99 ms", "spread"];

/** A row for each contender and number of clients: its name, then what {@linkcode FIGURE_HEADINGS} names. */
export function figureRows(
  figures: Figures,
  more: (figure: Figure, clients: string) => string[] = () => [],
): string[][] {
  return Object.entries(figures).flatMap(([name, byClients]) =>
    Object.entries(byClients).map(([clients, figure]) => [
      name,
      clients,
      figure.rps.toFixed(0),
      ms(figure.p50_ms),
      ms(figure.p95_ms),
      ms(figure.p99_ms),
      percent(spreadOf(figure)),
      ...more(figure, clients),
    ])
  );
}
