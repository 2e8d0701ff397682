/** A part of the benchmark, and its report. */

import type { Verdict } from "./verdict.ts";

export interface Scale {
  /** Shorter rounds, with a wider spread. */
  short: boolean;
  /** Also measure the SQL functions at 1,000,000 rows. */
  large: boolean;
  /** The path of an OpenBao server's program, to measure it beside ours. */
  bao?: string;
  onProgress(step: string): void;
}

export interface Report {
  tables: string[];
  verdicts: Verdict[];
  /** The members of the `--json` output. */
  json: Record<string, unknown>;
}

export type BenchPart = (scale: Scale, resources: AsyncDisposableStack) => Promise<Report>;
