/** A part of the benchmark, and what it reports. */

import type { Verdict } from "./verdict.ts";

export interface Scale {
  /** Shorter rounds, and so a wider spread. */
  short: boolean;
  /** The SQL functions at 1,000,000 rows too. */
  large: boolean;
  onProgress(step: string): void;
}

export interface Report {
  tables: string[];
  verdicts: Verdict[];
  /** What `--json` prints of it, by its names there. */
  json: Record<string, unknown>;
}

export type BenchPart = (scale: Scale, resources: AsyncDisposableStack) => Promise<Report>;
