/** Generates load in a separate process, so that the measurement does not slow the measured servers. */

import type { Round } from "./figures.ts";
import { startWorker } from "./worker.ts";

/** `{turn}` runs from 0 up to this number, and then again. */
export const TURNS = 64;

/** The repeated request. `{n}` in the body or the path is a number that is unique in the job, `{turn}` one that repeats. */
export interface Template {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** Replaces the path of the address. */
  path?: string;
}

export interface Job {
  url: string;
  request: Template;
  clients: number;
  ms: number;
  /** The first number, and the end, which is exclusive. */
  from: number;
  until: number;
}

export interface Outcome extends Round {
  /** The number of answers by status. 0 means no answer. */
  statuses: Record<number, number>;
  /** The first unused number. */
  next: number;
}

export interface Load {
  run(job: Job): Promise<Outcome>;
}

/** The text for the request with that number. */
export function fill(text: string, number: number): string {
  return text.replaceAll("{n}", `${number}`).replaceAll("{turn}", `${number % TURNS}`);
}

export function startLoad(resources: AsyncDisposableStack): Load {
  const worker = startWorker<Job, Outcome>(new URL("load_process.ts", import.meta.url), {}, resources);
  return { run: worker.ask };
}
