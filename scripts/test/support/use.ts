/** Decisions of the stack's hub, and how an Executor uses credentials with them. */

import { serverOf, subjectOf } from "key-vault-executor/executor/testing/make.ts";
import { type DecidedServer, signDecision, type Subject } from "shared/decision/decision.ts";
import { importSigningKey } from "shared/decision/decision_keys.ts";
import { issueApiKey, issueKernel, type KeyOptions } from "../../admin/client/operator.ts";
import { newTenant, post, type Reply, stack, type Tenant } from "./client.ts";

const VAULT = "key-vault-executor";
const BODY = new TextEncoder().encode('{"jsonrpc":"2.0"}');

/** A tenant, its Executor, and the agent that calls its tools. */
export interface UseCase {
  tenant: Tenant;
  /** The Executor's key: a kernel's that can use credentials and do nothing else. */
  executor: string;
  executorId: string;
  /** The key of an agent that can neither read nor use a credential. */
  agentId: string;
  agentKey: string;
}

export async function newUseCase(): Promise<UseCase> {
  const tenant = await newTenant();
  const agent = await issueApiKey(stack.governance_hub, tenant.id, { name: "agent", scopes: ["servers:read"] });
  const { id, key } = await issueExecutor(tenant, {});
  return { tenant, executor: key, executorId: id, agentId: agent.id, agentKey: agent.key };
}

export function issueExecutor({ organizationId }: Tenant, options: Partial<KeyOptions>) {
  const all = { name: "executor", scopes: ["credentials:use"], ...options };
  return issueKernel(stack.governance_hub, stack.kernel_hmac_secret, organizationId, all);
}

export function serverWith(tool_prefix: string): DecidedServer {
  return serverOf({ server_id: `server-of-${tool_prefix}`, tool_prefix });
}

/** What the hub decides when the agent calls a tool of the server with the prefix `amazon.`. */
export function decided({ tenant, agentId }: UseCase, changes: Partial<Subject> = {}): Subject {
  return subjectOf({
    tenant_id: tenant.id,
    organization_id: tenant.organizationId,
    actor: { kind: "agent", id: agentId },
    ...("servers" in changes ? {} : { server: serverWith("amazon."), tool: "amazon.order" }),
    ...changes,
  });
}

/** A decision that the hub of the stack signs, or another with its key. */
export function sign(
  subject: Subject,
  signingKey = stack.decision_signing_key,
  lifetime?: number,
  now?: number,
): string {
  const key = importSigningKey(signingKey);
  if (key === undefined) throw new Error("the signing key does not have its form");
  return signDecision(subject, BODY, key, lifetime, now);
}

export async function use(
  { tenant, executor }: UseCase,
  decision: string,
  changes: Record<string, unknown> = {},
  key = executor,
): Promise<Reply> {
  return await post(VAULT, "credentials/use", key, { tenant_id: tenant.id, service: "amazon", decision, ...changes });
}

export async function store(
  { agent }: Tenant,
  service: string,
  credentials: Record<string, unknown>,
  credential_type = "api_key",
): Promise<string> {
  const reply = await post(VAULT, "credentials/store", agent, { service, credentials, credential_type });
  return reply.body.data.credential_id;
}
