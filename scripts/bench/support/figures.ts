/** Statistics of single calls' times: percentiles of each round, then the median of the rounds. */

/** The result of a measurement's rounds. */
export interface Figure {
  /** Calls per second. */
  rps: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  /** The p50 of each round, in milliseconds. */
  p50s: number[];
  /** The calls per second of each round. */
  rates: number[];
}

/** One round: the time of each call, and the total time. */
export interface Round {
  timesMs: number[];
  elapsedMs: number;
}

/** The median of each number over the rounds. */
export function summarize(rounds: Round[]): Figure {
  const sorted = rounds.map(({ timesMs }) => timesMs.toSorted((a, b) => a - b));
  const p50s = sorted.map((times) => percentile(times, 0.5));
  const rates = rounds.map(rateOf);
  return {
    rps: median(rates),
    p50_ms: median(p50s),
    p95_ms: median(sorted.map((times) => percentile(times, 0.95))),
    p99_ms: median(sorted.map((times) => percentile(times, 0.99))),
    p50s,
    rates,
  };
}

/** The spread of the rounds: the largest p50 minus the smallest, as a part of the median. */
export function spreadOf({ p50s, p50_ms }: Figure): number {
  return (Math.max(...p50s) - Math.min(...p50s)) / p50_ms;
}

/** The ratio of two p50s: the median of each round's ratio, because rounds differ more than the ratio does. */
export function timesThat(own: Figure, other: Figure): number {
  return median(own.p50s.map((p50, round) => p50 / (other.p50s[round] ?? NaN)));
}

/** The ratio of two rates: the median of each round's ratio. */
export function rateTo(own: Figure, other: Figure): number {
  return median(own.rates.map((rate, round) => rate / (other.rates[round] ?? NaN)));
}

/** Calls a second. */
export function rateOf({ timesMs, elapsedMs }: Round): number {
  return timesMs.length / elapsedMs * 1000;
}

/** The quantile: this part of the sorted values is below it. */
export function percentile(sorted: number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

export function median(values: number[]): number {
  return percentile(values.toSorted((a, b) => a - b), 0.5);
}

/** The time of one call, in milliseconds. */
export async function timeOf(call: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await call();
  return performance.now() - begun;
}

/** Makes calls from this many clients until the time is over. Each client waits for its last answer. */
export async function callFor(ms: number, clients: number, call: () => Promise<unknown>): Promise<Round> {
  const timesMs: number[] = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: clients }, async () => {
    while (performance.now() - begun < ms) timesMs.push(await timeOf(call));
  }));
  return { timesMs, elapsedMs: performance.now() - begun };
}
