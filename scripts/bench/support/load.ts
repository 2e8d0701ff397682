/** Load from a process of its own, so that who measures does not slow what is measured. */

import type { Round } from "./figures.ts";
import { startWorker } from "./worker.ts";

/** What is sent over and over; `{n}` in the body is a number that no other request of the job has. */
export interface Template {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
}

export interface Job {
  url: string;
  request: Template;
  clients: number;
  ms: number;
  /** The first number, and the one to stop before. */
  from: number;
  until: number;
}

export interface Outcome extends Round {
  /** How many requests were answered with which status; 0 is no answer. */
  statuses: Record<number, number>;
  /** The first number that was not used. */
  next: number;
}

export interface Load {
  run(job: Job): Promise<Outcome>;
}

export function startLoad(resources: AsyncDisposableStack): Load {
  const worker = startWorker<Job, Outcome>(new URL("load_process.ts", import.meta.url), {}, resources);
  return { run: worker.ask };
}
