/** Where the Executor gets a server's credentials: the vault, which wants the hub's decision for each. */

import * as z from "zod/mini";
import { ToolCallError } from "../tool_call_error.ts";

const credential = z.object({
  service: z.string(),
  credential_type: z.string(),
  credentials: z.record(z.string(), z.unknown()),
});
export type ServerCredential = z.output<typeof credential>;

const success = z.object({ ok: z.literal(true), data: z.object({ credentials: z.array(credential) }) });
const failure = z.object({ ok: z.literal(false), error: z.object({ code: z.string() }) });

/** What is asked for: the credentials of one service, by whom the decision says. */
export interface CredentialRequest {
  tenantId: string;
  service: string;
  /** The decision in its signed form. */
  decision: string;
}

/** All credentials of a service, or none. @throws {ToolCallError} */
export type CredentialSource = (request: CredentialRequest) => Promise<ServerCredential[]>;

export interface VaultOptions {
  /** Without a slash at its end. */
  url: string;
  /** The Executor's own keys: of each organization that it serves a kernel's, with the scope `credentials:use`. */
  keys: readonly string[];
  timeoutMs?: number;
}

const TIMEOUT_MS = 6000;
const MAX_ANSWER_BYTES = 2 ** 20;

/** Credentials from the vault's `credentials/use`. */
export function vaultCredentials({ url, keys, timeoutMs = TIMEOUT_MS }: VaultOptions): CredentialSource {
  /** By tenant, the key that the vault took last. */
  const taken = new Map<string, string>();
  return async (request) => {
    const first = taken.get(request.tenantId);
    for (const key of first === undefined ? keys : [first, ...keys.filter((other) => other !== first)]) {
      const answer = await ask(url, key, request, timeoutMs);
      // A key is of one organization, and does not say which.
      if (answer === "tenant_not_allowed") continue;
      if (typeof answer === "string") throw unavailable(`the vault answered ${answer}`);
      taken.set(request.tenantId, key);
      return answer;
    }
    throw unavailable("EXECUTOR_KEY has no key of the tenant's organization");
  };
}

/** The credentials, or the code of the vault's refusal. @throws {ToolCallError} */
async function ask(
  url: string,
  key: string,
  { tenantId, service, decision }: CredentialRequest,
  timeoutMs: number,
): Promise<ServerCredential[] | string> {
  let answer: unknown;
  try {
    const response = await fetch(`${url}/functions/v1/credentials/use`, {
      method: "POST",
      headers: { "authorization": `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ tenant_id: tenantId, service, decision }),
      // A redirect would take the key and the decision to another host.
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    answer = JSON.parse(await readText(response));
  } catch (error) {
    // The cause of a failed fetch names the address, and the text that is no JSON: neither is logged.
    throw unavailable(`the vault did not answer: ${error instanceof Error ? error.name : "unknown"}`);
  }
  const parsed = success.safeParse(answer);
  if (parsed.success) return parsed.data.data.credentials;
  const refused = failure.safeParse(answer);
  if (refused.success) return refused.data.error.code;
  throw unavailable("the vault's answer has another form");
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new RangeError("the answer is too long");
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function unavailable(cause: string): ToolCallError {
  return new ToolCallError(
    "vault_unavailable",
    "the server's credentials cannot be read now, so it was not called: try again, and tell the operator of the Executor",
    cause,
  );
}
