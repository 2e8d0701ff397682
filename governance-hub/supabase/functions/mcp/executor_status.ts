/** Asks every Executor which processes it has for a tenant. */

import * as z from "zod/mini";
import type { Decided } from "../_shared/executors.ts";
import { decisionId } from "../_shared/executors.ts";
import type { Executors } from "shared/environment.ts";
import { fetchWithoutRedirect } from "shared/database/data_api.ts";
import { once } from "shared/lazy.ts";
import { signDecision } from "shared/decision/decision.ts";
import type { SigningKey } from "shared/decision/decision_keys.ts";

/** In milliseconds: an Executor answers from memory. */
const STATUS_MS = 3000;

/** A process of a server. What it printed is not among these: that is for operators. */
const process = once(() =>
  z.object({
    id: z.string(),
    version: z.number(),
    state: z.string(),
    since: z.string(),
    restarts: z.number(),
    calls: z.number(),
    calls_in_flight: z.number(),
    last_exit: z.nullable(z.object({ code: z.number(), signal: z.nullable(z.string()), at: z.string() })),
    last_error: z.nullable(z.string()),
  })
);
export type Process = z.output<ReturnType<typeof process>>;

const answer = once(() => z.object({ data: z.object({ servers: z.array(process()) }) }));

/** The processes of all Executors that answer, and how many did. */
export async function readProcesses(
  { urls, signingKey }: Executors,
  decided: Decided,
  requestId: string,
): Promise<{ processes: Process[]; answered: number }> {
  const asked = await Promise.allSettled(urls.map((url) => readStatus(url, signingKey, decided, requestId)));
  const answers = asked.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  return { processes: answers.flat(), answered: answers.length };
}

async function readStatus(url: string, key: SigningKey, decided: Decided, requestId: string): Promise<Process[]> {
  const token = signDecision({ ...decided, jti: decisionId(requestId) }, new Uint8Array(), key);
  const response = await fetchWithoutRedirect(`${url}/status`, {
    headers: { authorization: `Bearer ${token}`, "x-request-id": requestId },
    signal: AbortSignal.timeout(STATUS_MS),
  });
  return answer().parse(await response.json()).data.servers;
}
