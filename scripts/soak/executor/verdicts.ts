/** The verdicts on the Executor's soak test. */

import { median } from "../../bench/support/figures.ts";
import type { Verdict } from "../../bench/support/verdict.ts";
import type { ServerProcess } from "./executor_process.ts";

/** The Executor's memory. */
export interface MemorySample {
  at: number;
  /** Since the load began. */
  seconds: number;
  mb: number;
}

const MOST_MEMORY = 1.1;
/** For so long it remembers each decision: until then its memory grows with the load. */
const REMEMBERED_SECONDS = 70;
/** Of a server in its sandbox: bubblewrap outside, bubblewrap inside, and the program. */
const PROCESSES_OF_SERVER = 3;

/**
 * A server has one process, however often it was started again. What it left behind itself ended with it, so that there are
 * at most as many of those: fewer where one of them was killed.
 */
export function processVerdict(processes: ServerProcess[], names: string[]): Verdict {
  const counts = names.map((name) => processes.filter(({ words }) => words.includes(name)).length);
  const most = Math.max(...counts);
  const running = counts.filter((count) => count > 0).length;
  const children = processes.filter(({ words }) => words[0] === "sleep").length;
  const text =
    `${running} servers ran at the end, each with ${most} processes or fewer (at most ${PROCESSES_OF_SERVER}), ` +
    `and ${children} children of them (at most ${running})`;
  return { kept: running > 0 && most <= PROCESSES_OF_SERVER && children <= running, text };
}

export function leftVerdict(processes: ServerProcess[]): Verdict {
  return { kept: processes.length === 0, text: `${processes.length} processes were left when the Executor had ended` };
}

/** Of the quarter after the first decisions are forgotten, and of the last quarter. */
export function memoryVerdict(samples: MemorySample[]): Verdict {
  const settled = samples.filter(({ seconds }) => seconds >= REMEMBERED_SECONDS).map(({ mb }) => mb);
  const quarter = Math.floor(settled.length / 4);
  if (quarter < 3) return { kept: true, text: "too short to tell whether memory is flat: give --minutes 2 or more" };
  const [first, last] = [median(settled.slice(0, quarter)), median(settled.slice(-quarter))];
  const text = `the Executor held ${first.toFixed(0)} MB after ${REMEMBERED_SECONDS} s and ${
    last.toFixed(0)
  } MB at last`;
  return { kept: last <= MOST_MEMORY * first, text: `${text} (at most ${MOST_MEMORY} ×)` };
}
