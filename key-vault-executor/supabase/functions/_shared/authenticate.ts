/** Authenticates callers through the hub: the vault itself does not store their keys. */

import * as z from "zod/mini";
import type { Database as HubDatabase } from "governance-hub/supabase/database.types.ts";
import { ApiError, tenantNotAllowed, unauthenticated, unavailable } from "shared/api_error.ts";
import { digestCaller, keyHeader, type PresentedKey } from "shared/auth/presented_key.ts";
import { callFunction, type DatabaseAccess } from "shared/database/call_function.ts";
import type { Call } from "shared/http/endpoint.ts";
import type { VaultEnvironment } from "shared/environment.ts";
import { once } from "shared/lazy.ts";

/** Short enough that a request is answered within 6 s, with the call to the vault's database after this one. */
const HUB_TIMEOUT_MS = 1400;

/** `services` is required: treating absence as "no limit" would fail open. */
const actor = once(() => ({
  kind: z.enum(["agent", "kernel"]),
  id: z.string(),
  scopes: z.array(z.string()),
  services: z.nullable(z.array(z.string())),
}));
const caller = once(() => z.looseObject({ tenant_id: z.string(), ...actor() }));
const authorization = once(() =>
  z.object({ data: z.object({ tenant_id: z.string(), actor: z.looseObject(actor()) }) })
);
const refusal = once(() => z.object({ error: z.object({ code: z.string() }) }));

/** The caller, as the hub identified it, with the scopes and services of its key. */
export type Caller = z.output<ReturnType<typeof caller>>;

/**
 * Asks the hub's database if the vault can reach it, otherwise the hub's `authorize` with the caller's own key.
 *
 * @throws {ApiError} `unauthenticated`, `tenant_not_allowed`, `unavailable`.
 */
export async function authenticate(call: Call<VaultEnvironment, unknown>): Promise<Caller> {
  const { hub } = call.environment;
  const known = "publishableKey" in hub
    ? await askAuthorize(hub.url, hub.publishableKey, call.presented)
    : await askDatabase(call, hub);
  call.noteCaller(known);
  return { ...known, request_id: call.presented.requestId };
}

async function askDatabase(
  { environment, presented, noteCaller }: Call<VaultEnvironment, unknown>,
  hub: DatabaseAccess,
): Promise<Caller> {
  const digest = await digestCaller(presented, environment.kernelSecret);
  const ask = callFunction<HubDatabase, "authenticate_caller">;
  const answer = await ask(hub, "authenticate_caller", { caller: digest }, noteCaller, HUB_TIMEOUT_MS);
  const known = caller().safeParse(answer).data;
  if (known === undefined) {
    throw unavailable("authenticate_caller: the hub's answer has an unknown form: deploy the hub first");
  }
  return known;
}

async function askAuthorize(url: string, publishableKey: string, presented: PresentedKey): Promise<Caller> {
  const { tenantId, requestId } = presented;
  const response = await fetch(`${url}/functions/v1/authorize`, {
    method: "POST",
    headers: {
      ...keyHeader(presented),
      apikey: publishableKey,
      "content-type": "application/json",
      "x-request-id": requestId,
    },
    body: JSON.stringify({ tenant_id: tenantId }),
    // Following a redirect would send the caller's key to another host.
    redirect: "error",
    signal: AbortSignal.timeout(HUB_TIMEOUT_MS),
  }).catch(() => undefined);
  const body: unknown = await response?.json().catch(() => undefined);
  const known = authorization().safeParse(body).data?.data;
  if (response?.status !== 200 || known === undefined) throw refusalOf(response?.status, body);
  return { ...known.actor, tenant_id: known.tenant_id };
}

function refusalOf(status: number | undefined, body: unknown): ApiError {
  const code = refusal().safeParse(body).data?.error.code;
  if (status === 401 && code === "unauthenticated") return unauthenticated();
  if (status === 403 && code === "tenant_not_allowed") return tenantNotAllowed();
  return unavailable(`authorize: the hub answered ${status ?? "nothing"} ${code ?? ""}`.trimEnd());
}
