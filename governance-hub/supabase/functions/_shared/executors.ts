/** Sends decisions to the Executors: which one for which server, and what to do when one is not there. */

import { fetchWithoutRedirect } from "shared/database/data_api.ts";
import { inBackground } from "shared/http/background.ts";
import { signDecision, type Subject } from "shared/decision/decision.ts";
import type { SigningKey } from "shared/decision/decision_keys.ts";
import type { Call } from "shared/http/endpoint.ts";
import type { HubAnswer, HubCaller } from "./hub.ts";
import type { HubEnvironment } from "shared/environment.ts";

/** For whom a decision is. */
export type Decided = Pick<Subject, "tenant_id" | "organization_id" | "actor">;

export function decidedOf({ tenant_id, organization_id, kind, id }: HubCaller): Decided {
  return { tenant_id, organization_id, actor: { kind, id } };
}

/** A decision without its id, and the request that goes with it. */
export interface ExecutorRequest {
  subject: Omit<Subject, "jti">;
  path: "/mcp" | "/end";
  body: string;
  headers: Record<string, string>;
  requestId: string;
  signal: AbortSignal;
}

/** No Executor took the request, so nothing of it has begun. */
export class NoExecutorReachable extends Error {
  override name = "NoExecutorReachable";
}

const encoder = new TextEncoder();

/**
 * The addresses in the order in which they are asked for a server. Rendezvous hashing: all gateways agree without a word,
 * and when an Executor comes or goes, only its own servers move.
 */
export function rankExecutors(urls: readonly string[], tenantId: string, serverId: string): string[] {
  const scored = urls.map((url) => ({ url, score: hash(`${url} ${tenantId} ${serverId}`) }));
  return scored.sort((a, b) => b.score - a.score || (a.url < b.url ? -1 : 1)).map(({ url }) => url);
}

/**
 * Asks the first Executor that takes the connection. A request that may have begun is never sent a second time.
 *
 * @throws {NoExecutorReachable} if none does; a TypeError if the one that did gave no answer.
 */
export async function askExecutor(
  signingKey: SigningKey,
  urls: readonly string[],
  { subject, path, body, headers, requestId, signal }: ExecutorRequest,
): Promise<Response> {
  const bytes = encoder.encode(body);
  const token = signDecision({ ...subject, jti: decisionId(requestId) }, bytes, signingKey);
  const init = {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${token}`, "x-request-id": requestId },
    body: bytes,
    signal,
  };
  for (const url of urls) {
    try {
      return await fetchWithoutRedirect(url + path, init);
    } catch (error) {
      if (signal.aborted || !neverBegan(error)) throw error;
    }
  }
  throw new NoExecutorReachable(`none of ${urls.length} Executors takes a connection`);
}

/**
 * Ends the process of a server that was changed or deleted, at whichever Executor it is. The change does not wait for it:
 * an idle process would end by itself, later.
 */
export function endInBackground(
  { environment, presented }: Call<HubEnvironment, unknown>,
  { caller, changed }: HubAnswer<unknown>,
): void {
  const { executors } = environment;
  if (executors === undefined || changed === undefined) return;
  const { requestId } = presented;
  const end = async (url: string) => {
    const response = await askExecutor(executors.signingKey, [url], {
      subject: { ...decidedOf(caller), server: changed },
      path: "/end",
      body: "",
      headers: {},
      requestId,
      signal: AbortSignal.timeout(END_MS),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error("the Executor refused");
  };
  for (const url of executors.urls) inBackground("to end a server at an Executor", requestId, end(url));
}

const END_MS = 10_000;

/** The id of a decision is used once. A caller may send several requests under one id. */
export function decisionId(requestId: string): string {
  return `${requestId.slice(0, 100)}:${crypto.randomUUID().slice(-12)}`;
}

/** The runtime has no better sign of it: the connection was not made, so no byte of the request was sent. */
function neverBegan(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.message.includes("client error (Connect)")) return true;
  }
  return false;
}

/** FNV-1a, then the finish of MurmurHash3, which spreads texts that differ in few characters. 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of encoder.encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  value = Math.imul(value ^ value >>> 16, 0x85ebca6b);
  value = Math.imul(value ^ value >>> 13, 0xc2b2ae35);
  return (value ^ value >>> 16) >>> 0;
}
