/** The process that generates the load. */

import { runClients } from "./clients.ts";
import { fill, type Job, type Outcome } from "./load.ts";
import { answerJobs } from "./worker.ts";

if (import.meta.main) answerJobs(run);

/** Every client sends requests until the time is over or the numbers are used up. */
async function run({ url, request, clients, ms, from, until }: Job): Promise<Outcome> {
  const outcome: Outcome = { timesMs: [], elapsedMs: 0, statuses: {}, next: from };
  const begun = performance.now();
  if (from < until) {
    await runClients({
      url,
      clients: Math.min(clients, until - from),
      headers: request.headers,
      *requests() {
        while (true) yield numbered(request, outcome.next++);
      },
      onAnswer({ status, ms }) {
        outcome.timesMs.push(ms);
        outcome.statuses[status] = (outcome.statuses[status] ?? 0) + 1;
        outcome.elapsedMs = performance.now() - begun;
      },
      isOver: () => outcome.next >= until || performance.now() - begun >= ms,
    });
  }
  return outcome;
}

function numbered({ method, body, path }: Job["request"], number: number) {
  return {
    method,
    ...(path !== undefined && { path: fill(path, number) }),
    ...(body !== undefined && { body: fill(body, number) }),
  };
}
