/** Calls SQL functions over a project's data API. */

import { PostgrestClient } from "@supabase/postgrest-js";
import { DatabaseError, isTransientCode } from "./database_error.ts";

/** Where a project's data API is, and the secret key that it takes. */
export interface DataApi {
  url: string;
  secretKey: string;
}

/** @throws {DatabaseError} */
export async function callDataApi(
  api: DataApi,
  name: string,
  parameters: Record<string, unknown>,
  timeoutMs: number,
): Promise<unknown> {
  const headers = keyHeaders(api.secretKey);
  const client = new PostgrestClient(`${api.url}/rest/v1`, { headers, retry: false, fetch: fetchWithoutRedirect });
  const { data, error, status } = await client.rpc(name, parameters).abortSignal(AbortSignal.timeout(timeoutMs));
  if (!error) return data;
  const { code = "", message, details: detail } = error;
  const isOurKey = status === 401 || status === 403;
  const reason = isOurKey ? ": it refused our key, or our key may not execute this" : "";
  throw new DatabaseError({
    code,
    message,
    detail,
    summary: `the data API answered ${status || "nothing"} ${code}`.trimEnd() + reason,
    // PGRST202: no such function, so a migration is missing.
    isTransient: status === 0 || isOurKey || status >= 502 || code === "PGRST202" || isTransientCode(code),
  });
}

/** A redirect would take the secret key to another address, and its answer would be believed. */
export const fetchWithoutRedirect: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });

/** Secret keys of the new form go into `apikey` alone; the legacy ones are tokens too. */
export function keyHeaders(secretKey: string): Record<string, string> {
  const apikey = { apikey: secretKey };
  return secretKey.startsWith("sb_") ? apikey : { ...apikey, authorization: `Bearer ${secretKey}` };
}
