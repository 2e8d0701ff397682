/** Load from a process of its own, so that who measures does not slow what is measured. */

import type { Round } from "./figures.ts";

/** What is sent over and over; `{n}` in the body is a number that no other request of the job has. */
export interface Template {
  method: string;
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
  /** How many answers had which status. */
  statuses: Record<number, number>;
  /** The first number that was not used. */
  next: number;
}

export interface Load {
  run(job: Job): Promise<Outcome>;
  stop(): Promise<void>;
}

/** Starts the process. It ends when this one does. */
export function startLoad(): Load {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", "--no-check", new URL("load_process.ts", import.meta.url).href],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = process.stdin.getWriter();
  const answers = readLines(process.stdout);
  return {
    async run(job) {
      await input.write(new TextEncoder().encode(JSON.stringify(job) + "\n"));
      const { value, done } = await answers.next();
      if (done) throw new Error("the load's process has ended");
      return JSON.parse(value);
    },
    async stop() {
      await input.close().catch(() => {});
      await process.status;
    },
  };
}

/** The lines of a stream. */
export async function* readLines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let parts: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const [first = "", ...others] = text.split("\n");
    parts.push(first);
    for (const other of others) {
      yield parts.join("");
      parts = [other];
    }
  }
}
