/** A client of supabase-js that holds a project's secret key. */

import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { fetchWithoutRedirect } from "shared/database/data_api.ts";

export interface ProjectAccess {
  url: string;
  secret_key: string;
  /** Its name in messages. */
  name?: string;
  /** Where the address and the key come from. Messages tell the operator to check it. */
  origin?: string;
}

export function connect<Database>({ url, secret_key }: ProjectAccess): SupabaseClient<Database> {
  return createClient<Database>(url, secret_key, {
    auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
    db: { retry: false },
    global: { fetch: fetchAsOperator },
  });
}

/** supabase-js sends every key to the data API as a bearer token, but secret keys of the new form are not tokens. */
const fetchAsOperator: typeof fetch = (input, init) => {
  const headers = new Headers(init?.headers);
  if (headers.get("authorization")?.startsWith("Bearer sb_")) headers.delete("authorization");
  return fetchWithoutRedirect(input, { ...init, headers });
};
