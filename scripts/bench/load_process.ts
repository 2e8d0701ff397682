/** The process that makes the load: it takes jobs as lines of JSON, and answers each with one, until its input ends. */

import { connect, type Connection, requestBytes } from "./connection.ts";
import type { Job, Outcome } from "./load.ts";
import { timeOf } from "./figures.ts";

if (import.meta.main) {
  let rest = "";
  for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    rest += text;
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) await answer(JSON.stringify(await run(JSON.parse(line))) + "\n");
  }
}

async function answer(line: string): Promise<void> {
  const bytes = new TextEncoder().encode(line);
  for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
}

/** Every client sends its next request once its last is answered, until the time has passed or the numbers are used up. */
async function run(job: Job): Promise<Outcome> {
  const url = new URL(job.url);
  const connections = await Promise.all(Array.from({ length: job.clients }, () => connect(url)));
  const outcome: Outcome = { timesMs: [], elapsedMs: 0, statuses: {}, next: job.from };
  const begun = performance.now();
  await Promise.all(connections.map(async (connection) => {
    while (performance.now() - begun < job.ms && outcome.next < job.until) await send(job, url, connection, outcome);
  }));
  outcome.elapsedMs = performance.now() - begun;
  for (const connection of connections) connection.close();
  return outcome;
}

async function send(job: Job, url: URL, connection: Connection, outcome: Outcome): Promise<void> {
  const { method, headers, body } = job.request;
  const bytes = requestBytes(url, method, headers, body?.replaceAll("{n}", String(outcome.next++)));
  let status = 0;
  const ms = await timeOf(async () => status = await connection.send(bytes));
  outcome.timesMs.push(ms);
  outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1;
}
