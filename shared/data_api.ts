/** Calls a function of a database through the data API: one call, in one transaction. */

import { PostgrestClient, type PostgrestError } from "@supabase/postgrest-js";
import * as z from "zod/mini";
import {
  type ApiError,
  insufficientScope,
  internal,
  invalidField,
  missingEncryptionKey,
  notFound,
  quotaExceeded,
  serverIdTaken,
  tenantNotAllowed,
  toolPrefixTaken,
  unauthenticated,
  unavailable,
  versionMismatch,
} from "./api_error.ts";
import type { DataApi } from "./environment.ts";
import { CURSOR_RULE } from "./schema/request_fields.ts";
import type { Actor } from "./request_log.ts";
import { once } from "./lazy.ts";

/** Longer than the functions' statement_timeout of 4 s, so the database has almost certainly given up before we do. */
const TIMEOUT_MS = 4400;

const actor = once(() =>
  z.object({
    tenant_id: z.nullish(z.string()),
    kind: z.optional(z.string()),
    id: z.optional(z.string()),
  })
);
const holder = once(() => z.nullish(z.object({ server_id: z.string(), tool_prefix: z.string() })));
const detail = once(() =>
  z.object({
    caller: z.nullish(actor()),
    holder: holder(),
    scope: z.optional(z.string()),
    limited: z.optional(z.boolean()),
    quota: z.optional(z.number()),
    current_version: z.optional(z.number()),
    encryption_key_id: z.optional(z.string()),
  })
);
type Detail = z.output<ReturnType<typeof detail>>;

/** The part of the types from `supabase gen types` that is used here. */
export interface Described {
  public: { Functions: Record<string, { Args: object }> };
}

export type FunctionName<Database extends Described> = keyof Database["public"]["Functions"] & string;

/** The parameters of a function by name. The function checks their values. */
export type Parameters<Database extends Described, Name extends FunctionName<Database>> = Record<
  keyof Database["public"]["Functions"][Name]["Args"],
  unknown
>;

/**
 * Calls a function of the data API and returns its answer.
 *
 * @throws {ApiError} the error that the function raised as PT4nn; `unavailable` if there is no answer in time, or if the
 * database is temporarily unavailable; `internal` for anything else.
 */
export async function callFunction<Database extends Described, Name extends FunctionName<Database>>(
  api: DataApi,
  name: Name,
  parameters: Parameters<Database, Name>,
  onCaller: (caller: Actor) => void,
  timeoutMs: number = TIMEOUT_MS,
): Promise<unknown> {
  const headers = keyHeaders(api.secretKey);
  const client = new PostgrestClient(`${api.url}/rest/v1`, { headers, retry: false, fetch: fetchWithoutRedirect });
  const { data, error, status } = await client.rpc(name, parameters).abortSignal(AbortSignal.timeout(timeoutMs));
  if (error) throw translate(name, error, status, onCaller);
  return data;
}

/** Following a redirect would send the secret key to another address and trust the answer from there. */
export const fetchWithoutRedirect: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });

/** A new secret key is sent only as `apikey`. A legacy key is a JWT, and is also sent as a bearer token. */
export function keyHeaders(secretKey: string): Record<string, string> {
  const apikey = { apikey: secretKey };
  return secretKey.startsWith("sb_") ? apikey : { ...apikey, authorization: `Bearer ${secretKey}` };
}

function translate(name: string, error: PostgrestError, status: number, onCaller: (caller: Actor) => void): ApiError {
  if (/^PT4\d\d$/.test(error.code)) {
    const told = readDetail(error.details);
    if (told.caller) onCaller(told.caller);
    const refusal = refusalOf(error.message, told);
    if (refusal !== undefined) return refusal;
  }
  // The message and the details of any other error may quote the row.
  const answered = `the data API answered ${status || "nothing"} ${error.code ?? ""}`.trimEnd();
  const isOurKey = status === 401 || status === 403;
  const cause = `${name}: ${answered}${
    isOurKey ? ": it refused the secret key, or the key may not execute this function" : ""
  }`;
  if (isTransient(error.code ?? "", status)) return unavailable(cause);
  return internal(cause);
}

function readDetail(details: string): Detail {
  try {
    return detail().parse(JSON.parse(details));
  } catch {
    return {};
  }
}

function refusalOf(code: string, detail: Detail): ApiError | undefined {
  switch (code) {
    case "unauthenticated":
      return unauthenticated();
    case "tenant_not_allowed":
      return tenantNotAllowed();
    case "insufficient_scope":
      return insufficientScope(detail.scope, detail.limited);
    case "not_found":
      return notFound();
    case "server_id_taken":
      return serverIdTaken();
    case "tool_prefix_taken":
      return toolPrefixTaken(detail.holder);
    case "quota_exceeded":
      return quotaExceeded(detail.quota);
    case "version_mismatch":
      return versionMismatch(detail.current_version);
    case "unknown_encryption_key":
      return missingEncryptionKey(detail.encryption_key_id);
    case "cursor_of_another_tenant":
      return invalidField("cursor", CURSOR_RULE);
    default:
      return undefined;
  }
}

/** Whether the cause is the database, the data API or our key, and not the request. */
function isTransient(code: string, status: number): boolean {
  // PGRST202: the function does not exist, so a migration is missing.
  return status === 0 || status === 401 || status === 403 || status >= 502 || code === "PGRST202" ||
    isTransientCode(code);
}

/** Whether a database error is temporary, so that a later call may succeed. */
export function isTransientCode(code: string): boolean {
  // PGRST000–003: no connection to the database. 08, 53, 57: connection, resources, intervention.
  // 55P03, 40001, 40P01, 25006: lock, serialization, deadlock, read-only.
  return /^(PGRST00[0-3]|(08|53|57)...|55P03|40001|40P01|25006)$/.test(code);
}
