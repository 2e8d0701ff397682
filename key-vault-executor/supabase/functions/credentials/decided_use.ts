/** What a decision allows an Executor to use. */

import { cannotVerifyDecisions, decisionRefused, kernelRequired } from "shared/api_error.ts";
import { type Decision, DecisionRefused, serviceOf, verifyDecision } from "shared/decision/decision.ts";
import type { VaultCall } from "../_shared/vault.ts";

/** Who uses a credential, and for which server. */
export interface Use {
  actor: Decision["actor"];
  server_id: string;
  request_id: string;
}

/**
 * The use that the decision allows. A decision counts several times while it is fresh: the one for a list names many
 * servers, and the Executor refuses repeated ones.
 *
 * @throws {ApiError} `kernel_required`, `decision_refused`; `unavailable` if `DECISION_VERIFY_KEYS` is not set.
 */
export async function requireDecision(
  { caller, environment }: VaultCall<unknown>,
  service: string,
  token: string,
): Promise<Use> {
  if (caller.kind !== "kernel") throw kernelRequired();
  if (environment.verifyKeys === undefined) throw cannotVerifyDecisions();
  const decision = await verify(token, environment.verifyKeys);
  // The hub answers with the organization of the caller's key. Without it, nothing matches.
  if (decision.organization_id !== caller.organization_id) {
    throw decisionRefused("the decision is for another organization");
  }
  if (decision.tenant_id !== caller.tenant_id) throw decisionRefused("the decision is for another tenant");
  if (decision.actor.kind === "operator") throw decisionRefused("the decision is an operator's, who calls no tool");
  // A decision about a server without a tool ends its process, which takes no credential.
  const servers = decision.tool === undefined ? decision.servers ?? [] : [decision.server ?? []].flat();
  const server = servers.find(({ tool_prefix }) => serviceOf(tool_prefix) === service);
  if (server === undefined) throw decisionRefused("the decision names no server with this service as its prefix");
  return { actor: decision.actor, server_id: server.server_id, request_id: decision.jti };
}

async function verify(token: string, keys: readonly CryptoKey[]): Promise<Decision> {
  try {
    return await verifyDecision(token, keys);
  } catch (error) {
    if (error instanceof DecisionRefused) throw decisionRefused(error.message);
    throw error;
  }
}
