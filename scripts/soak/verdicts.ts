/** The verdicts of the soak test, one per line. */

import { median, percentile } from "../bench/support/figures.ts";
import type { Verdict } from "../bench/support/verdict.ts";
import type { RequestSample } from "./load.ts";
import type { Vitals } from "./vitals.ts";

/** A tenth of the steady load: one minute of ten. */
export interface SoakPart {
  samples: RequestSample[];
  vitals: Vitals[];
}

const MOST_MEMORY = 1.1;
const MOST_P99 = 1.5;
/** How long after PostgreSQL's return answers may still be 503, in milliseconds. */
const RETURN_MS = 5000;

export function partsOf(
  samples: RequestSample[],
  vitals: Vitals[],
  begunAt: number,
  partMs: number,
  count: number,
): SoakPart[] {
  return Array.from({ length: count }, (_, part) => {
    const isIn = (at: number) => at >= begunAt + part * partMs && at < begunAt + (part + 1) * partMs;
    return {
      samples: samples.filter(({ endedAt }) => isIn(endedAt)),
      vitals: vitals.filter(({ at }) => isIn(at)),
    };
  });
}

export function describePart({ samples, vitals }: SoakPart, partMs: number): string {
  const last = vitals.at(-1);
  const times = sortedTimes(samples);
  return [
    `${(samples.length / partMs * 1000).toFixed(0)} requests per second`,
    `p50 ${percentile(times, 0.5).toFixed(1)} ms`,
    `p99 ${percentile(times, 0.99).toFixed(1)} ms`,
    `hub ${last?.hubMb.toFixed(0)} MB`,
    `vault ${last?.vaultMb.toFixed(0)} MB`,
    `${last?.connections} connections`,
  ].join(", ");
}

/** The verdicts on the load before PostgreSQL was killed. */
export function steadyVerdicts(parts: SoakPart[]): Verdict[] {
  const samples = parts.flatMap((part) => part.samples);
  const errors = samples.filter(({ status }) => status !== 200 && status !== 201);
  const [first, second] = parts;
  const last = parts.at(-1);
  const p99 = (part?: SoakPart) => percentile(sortedTimes(part?.samples ?? []), 0.99);
  const counts = new Set(parts.slice(1).flatMap((part) => part.vitals.map(({ connections }) => connections)));
  return [
    {
      kept: samples.length > 0 && errors.length === 0,
      text: `${countOf(errors)} of ${samples.length} requests failed`,
    },
    memoryVerdict("governance-hub", second, last, ({ hubMb }) => hubMb),
    memoryVerdict("key-vault-executor", second, last, ({ vaultMb }) => vaultMb),
    { kept: counts.size === 1, text: `${[...counts].join(", ")} connections (must be constant)` },
    {
      kept: p99(last) <= MOST_P99 * p99(first),
      text: `p99 was ${p99(first).toFixed(1)} ms at first and ${
        p99(last).toFixed(1)
      } ms at last (at most ${MOST_P99} ×)`,
    },
  ];
}

function memoryVerdict(
  name: string,
  second: SoakPart | undefined,
  last: SoakPart | undefined,
  read: (v: Vitals) => number,
) {
  const [before, after] = [second, last].map((part) => median((part?.vitals ?? []).map(read)));
  const factor = (after ?? NaN) / (before ?? NaN);
  const text = `${name} held ${before?.toFixed(0)} MB in the second tenth and ${after?.toFixed(0)} MB in the last`;
  return { kept: factor <= MOST_MEMORY, text: `${text} (at most ${MOST_MEMORY} ×)` };
}

/** When PostgreSQL was killed, had ended, was started, and answered again. */
export interface Outage {
  killedAt: number;
  goneAt: number;
  startedAt: number;
  returnedAt: number;
}

export function outageVerdicts(
  samples: RequestSample[],
  { killedAt, goneAt, startedAt, returnedAt }: Outage,
): Verdict[] {
  const touched = samples.filter(({ endedAt }) => endedAt >= killedAt);
  const away = touched.filter(({ begunAt, endedAt }) => begunAt >= goneAt && endedAt <= startedAt);
  const others = touched.filter(({ status }) => ![200, 201, 503].includes(status));
  const done = away.filter(({ status }) => status !== 503);
  const lastRefusedAt = Math.max(...touched.filter(({ status }) => status === 503).map(({ endedAt }) => endedAt));
  const served = touched.filter(({ endedAt, status }) => endedAt > lastRefusedAt && status < 300).length;
  const seconds = Math.max(0, lastRefusedAt - returnedAt) / 1000;
  return [
    {
      kept: away.length > 0 && done.length === 0,
      text: `${away.length - done.length} of ${away.length} answers were 503 while PostgreSQL was stopped`,
    },
    { kept: others.length === 0, text: `${countOf(others)} answers during the outage were neither 503 nor a success` },
    {
      kept: served > 0 && seconds * 1000 <= RETURN_MS,
      text: `the last 503 came ${seconds.toFixed(1)} s after PostgreSQL's return (at most ${RETURN_MS / 1000} s)`,
    },
  ];
}

/** The number of samples, with their statuses and paths. */
function countOf(samples: RequestSample[]): string {
  if (samples.length === 0) return "0";
  const kinds = new Set(samples.map(({ status, path }) => `${status || "no answer"} at ${path}`));
  return `${samples.length} (${[...kinds].slice(0, 5).join(", ")})`;
}

function sortedTimes(samples: RequestSample[]): number[] {
  return samples.map(({ begunAt, endedAt }) => endedAt - begunAt).sort((a, b) => a - b);
}
