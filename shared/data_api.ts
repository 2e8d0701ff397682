/** The one call that a request makes to a database: a function of the data API, in one transaction. */

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

/** Longer than the functions' own statement_timeout of 4 s: when we give up, the database almost surely has. */
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

/** A database as `supabase gen types` describes it, as far as it matters here. */
export interface Described {
  public: { Functions: Record<string, { Args: object }> };
}

export type FunctionName<Database extends Described> = keyof Database["public"]["Functions"] & string;

/** The parameters of a function by name. What they hold is for the function to check. */
export type Parameters<Database extends Described, Name extends FunctionName<Database>> = Record<
  keyof Database["public"]["Functions"][Name]["Args"],
  unknown
>;

/**
 * Calls a function of the data API and returns what it answered.
 *
 * @throws {ApiError} what the function raised as PT4nn; `unavailable` when there was no answer in time, or one that says
 * that the database cannot answer now; `internal` for all else.
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

/** A redirect would take the secret key to another address, and its answer would be believed. */
export const fetchWithoutRedirect: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });

/** Secret keys of the new form go into `apikey` alone; the legacy ones are tokens too. */
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
  const cause = `${name}: ${answered}${isOurKey ? ": it refused our key, or our key may not execute this" : ""}`;
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

/** Whether the database, the data API or our key to it is at fault, and not the request. */
function isTransient(code: string, status: number): boolean {
  // PGRST202: no such function, so a migration is missing.
  return status === 0 || status === 401 || status === 403 || status >= 502 || code === "PGRST202" ||
    isTransientCode(code);
}

/** Whether a database's failure passes: a later call may succeed. */
export function isTransientCode(code: string): boolean {
  // PGRST000–003: no connection to the database. 08, 53, 57: connection, resources, intervention.
  // 55P03, 40001, 40P01, 25006: lock, serialization, deadlock, read-only.
  return /^(PGRST00[0-3]|(08|53|57)...|55P03|40001|40P01|25006)$/.test(code);
}
