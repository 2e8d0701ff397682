/** Calls SQL functions over a project's data API. */

import { PostgrestClient } from "@supabase/postgrest-js";
import { DatabaseError, isTransientCode } from "./database_error.ts";

/** The address of a project's data API, and the secret key for it. */
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

/** A redirect would send the secret key to another address, and we would trust the answer. */
export const fetchWithoutRedirect: typeof fetch = (input, init) => fetch(input, { ...init, redirect: "error" });

/** Secret keys of the new form go only into `apikey`. Legacy keys are also bearer tokens. */
export function keyHeaders(secretKey: string): Record<string, string> {
  const apikey = { apikey: secretKey };
  return secretKey.startsWith("sb_") ? apikey : { ...apikey, authorization: `Bearer ${secretKey}` };
}
