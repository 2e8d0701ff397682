/** Measures tool calls in turns. */

import { callFor } from "../support/figures.ts";
import { table } from "../support/numbers.ts";
import type { Scale } from "../support/part.ts";
import { FIGURE_HEADINGS, figureRows, type Figures, measureRounds } from "../support/turns.ts";
import type { Contender } from "./contenders.ts";

export const CLIENTS = [1, 16];
const [ROUND_MS, SHORT_MS] = [1000, 250];

export function roundMs({ short }: Scale): number {
  return short ? SHORT_MS : ROUND_MS;
}

export async function measureContenders(contenders: Contender[], scale: Scale, clientsOf = CLIENTS): Promise<Figures> {
  return await measureRounds(
    "calls",
    contenders,
    clientsOf,
    scale.onProgress,
    ({ call }, clients) => callFor(roundMs(scale), clients, call),
  );
}

export function callTable(heading: string, figures: Figures): string {
  return table([heading, ...FIGURE_HEADINGS], figureRows(figures));
}
