/** Calls an SQL function: the one call that a request makes to a database, in one transaction. */

import * as z from "zod/mini";
import {
  type ApiError,
  insufficientScope,
  internal,
  invalidField,
  kernelRequired,
  missingEncryptionKey,
  notFound,
  quotaExceeded,
  serverIdTaken,
  tenantNotAllowed,
  toolPrefixTaken,
  unauthenticated,
  unavailable,
  versionMismatch,
} from "../api_error.ts";
import { callDataApi, type DataApi } from "./data_api.ts";
import { DatabaseError } from "./database_error.ts";
import { callDirectly, type DirectDatabase } from "./direct_connection.ts";
import { CURSOR_RULE } from "../schema/request_fields.ts";
import type { Actor } from "../request_log.ts";
import { once } from "../lazy.ts";

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

/** A way to a database: over its data API, or over connections of our own. */
export type DatabaseAccess = DataApi | DirectDatabase;

/**
 * Calls an SQL function and returns its answer.
 *
 * @throws {ApiError} the error that the function raised as PT4nn; `unavailable` if there is no answer in time, or if the
 * database is temporarily unavailable; `internal` for anything else.
 */
export async function callFunction<Database extends Described, Name extends FunctionName<Database>>(
  access: DatabaseAccess,
  name: Name,
  parameters: Parameters<Database, Name>,
  onCaller: (caller: Actor) => void,
  timeoutMs: number = TIMEOUT_MS,
): Promise<unknown> {
  try {
    return "databaseUrl" in access
      ? await callDirectly(access, name, parameters, timeoutMs)
      : await callDataApi(access, name, parameters, timeoutMs);
  } catch (error) {
    throw error instanceof DatabaseError ? translate(name, error, onCaller) : error;
  }
}

function translate(name: string, { failure }: DatabaseError, onCaller: (caller: Actor) => void): ApiError {
  if (/^PT4\d\d$/.test(failure.code)) {
    const told = readDetail(failure.detail);
    if (told.caller) onCaller(told.caller);
    const refusal = refusalOf(failure.message, told);
    if (refusal !== undefined) return refusal;
  }
  const cause = `${name}: ${failure.summary}`;
  return failure.isTransient ? unavailable(cause) : internal(cause);
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
    case "kernel_required":
      return kernelRequired();
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
