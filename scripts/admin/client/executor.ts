/** Asks Executors how they and their servers are. */

import * as z from "zod/mini";
import { signDecision, type Subject } from "shared/decision/decision.ts";
import type { SigningKey } from "shared/decision/decision_keys.ts";
import { CliError } from "../../cli/error.ts";

const TIMEOUT_MS = 10_000;
const NO_BODY = new Uint8Array();

const exit = z.object({
  code: z.number(),
  signal: z.nullable(z.string()),
  reason: z.optional(z.string()),
  at: z.string(),
});

const serverStatus = z.object({
  id: z.string(),
  server_id: z.string(),
  version: z.number(),
  state: z.string(),
  since: z.string(),
  restarts: z.number(),
  calls: z.number(),
  calls_in_flight: z.number(),
  last_exit: z.nullable(exit),
  last_error: z.nullable(z.string()),
  garbage_lines: z.number(),
  /** Redacted by the Executor. */
  error_output: z.array(z.string()),
});
export type ServerStatus = z.output<typeof serverStatus>;
export type ServerExit = z.output<typeof exit>;

const answer = z.object({ data: z.object({ servers: z.array(serverStatus) }) });

export interface Asked {
  id: string;
  organization_id: string;
}

/** An Executor that did not say how it is, and why. */
export class ExecutorProblem extends CliError {
  override name = "ExecutorProblem";
}

/** The servers of a tenant that this Executor knows. @throws {ExecutorProblem} */
export async function readServers(
  url: string,
  key: SigningKey,
  tenant: Asked,
  actorId: string,
): Promise<ServerStatus[]> {
  const subject: Subject = {
    jti: crypto.randomUUID(),
    tenant_id: tenant.id,
    organization_id: tenant.organization_id,
    actor: { kind: "operator", id: actorId },
  };
  const authorization = `Bearer ${signDecision(subject, NO_BODY, key)}`;
  const response = await ask(`${url}/status`, { headers: { authorization } });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 401) {
    const clocks = "or the clocks differ by over 5 s";
    throw new ExecutorProblem(
      `the Executor at ${url} refuses the decision: none of its DECISION_VERIFY_KEYS belongs to DECISION_SIGNING_KEY, ${clocks}`,
    );
  }
  const parsed = answer.safeParse(body);
  if (response.ok && parsed.success) return parsed.data.data.servers;
  throw new ExecutorProblem(`${url} answered ${response.status}, not as an Executor does`);
}

/** @throws {ExecutorProblem} if it is not there, or cannot serve. */
export async function requireHealth(url: string): Promise<void> {
  const response = await ask(`${url}/health`, {});
  const body: unknown = await response.json().catch(() => undefined);
  if (response.status === 200 && JSON.stringify(body) === '{"ok":true}') return;
  const what = response.status === 503 ? "is being stopped" : `answered ${response.status}, not as an Executor does`;
  throw new ExecutorProblem(`the Executor at ${url} ${what}`);
}

async function ask(address: string, init: RequestInit): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    return await fetch(address, { ...init, signal, redirect: "manual" });
  } catch {
    throw new ExecutorProblem(`the Executor at ${new URL(address).origin} does not answer; check EXECUTOR_URLS`);
  }
}
