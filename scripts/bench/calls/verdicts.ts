/** The goals of tool calls. */

import type { Figures } from "../support/turns.ts";
import { median, rateTo } from "../support/figures.ts";
import { times } from "../support/numbers.ts";
import type { Verdict } from "../support/verdict.ts";

/** The median of one client is at most so much longer than the other's: the median of each round's difference. */
export function isAtMostLonger(figures: Figures, name: string, other: string, goalMs: number): Verdict[] {
  const [own, base] = [figures[name]?.[1], figures[other]?.[1]];
  if (own === undefined || base === undefined) return [];
  const extra = median(own.p50s.map((p50, round) => p50 - (base.p50s[round] ?? NaN)));
  const text = `${name}, one client: ${extra.toFixed(2)} ms more than ${other} (at most ${goalMs})`;
  return [{ kept: extra <= goalMs, text }];
}

export function hasAtLeastRate(
  figures: Figures,
  name: string,
  other: string,
  clients: number,
  goal: number,
): Verdict[] {
  const [own, base] = [figures[name]?.[clients], figures[other]?.[clients]];
  if (own === undefined || base === undefined) return [];
  const part = rateTo(own, base);
  const text = `${name}, ${clients} clients: ${own.rps.toFixed(0)} a second, ${
    times(part)
  } ${other} (at least ${goal}×)`;
  return [{ kept: part >= goal, text }];
}
