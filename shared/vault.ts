/** What the functions of key-vault-executor share. */

import * as z from "zod/mini";
import type { Database } from "key-vault-executor/supabase/database.types.ts";
import { callFunction, type FunctionName, type Parameters } from "./database.ts";
import type { Call, Project } from "./endpoint.ts";
import type { KnownCaller } from "./who_calls.ts";
import { readVaultEnvironment, type VaultEnvironment } from "./environment.ts";
import type { FieldError } from "./api_error.ts";
import { once } from "./once.ts";

export const vault: Project<VaultEnvironment> = {
  success: { status: "success" },
  failure: { status: "error" },
  environment: once(() => readVaultEnvironment((name) => Deno.env.get(name))),
};

const answer = z.object({ data: z.unknown() });

/** Calls a function of the vault's database for a known caller, and returns its `data`. */
export async function callVault<Name extends FunctionName<Database>, Data extends z.ZodMiniType>(
  { environment, noteCaller }: Call<VaultEnvironment, unknown>,
  caller: KnownCaller,
  name: Name,
  parameters: Omit<Parameters<Database, Name>, "caller">,
  data: Data,
): Promise<z.output<Data>> {
  const all = { caller, ...parameters } as Parameters<Database, Name>;
  const result = answer.parse(await callFunction<Database, Name>(environment.database, name, all, noteCaller));
  return data.parse(result.data);
}

export interface Selector {
  credential_id?: string | undefined;
  service?: string | undefined;
  credential_type?: string | undefined;
}

/** A credential is selected by its id, or by its service with a type. */
export function checkSelector({ credential_id, service, credential_type }: Selector): FieldError | undefined {
  const message = "send exactly one of credential_id, or service (with a credential_type)";
  if ((credential_id === undefined) === (service === undefined)) return { path: "credential_id", message };
  if (credential_id !== undefined && credential_type !== undefined) return { path: "credential_type", message };
  return undefined;
}

/** The selector as SQL takes it. */
export function selectorOf({ credential_id, service, credential_type = "api_key" }: Selector): Selector {
  return credential_id === undefined ? { service, credential_type } : { credential_id };
}
