/** What the functions of key-vault-executor share. */

import * as z from "zod/mini";
import type { Database } from "../../database.types.ts";
import { id, moment, text } from "shared/schema/response_fields.ts";
import { callFunction, type FunctionName, type Parameters } from "shared/database/call_function.ts";
import { documented } from "shared/schema/annotate.ts";
import { type Call, type Definition, type Endpoint, endpoint, type Fields, type Input } from "shared/http/endpoint.ts";
import { credentialId, credentialType, service, tenantId } from "shared/schema/request_fields.ts";
import type { Answer, Project } from "shared/http/respond.ts";
import { authenticate, type Caller } from "./authenticate.ts";
import { readVaultEnvironment, type VaultEnvironment } from "shared/environment.ts";
import type { FieldError } from "shared/api_error.ts";
import { event } from "shared/schema/event_fields.ts";
import { once } from "shared/lazy.ts";

export const vault: Project<VaultEnvironment> = {
  title: "key-vault-executor",
  description: "A vault for credentials by tenant.",
  success: { status: "success" },
  failure: { status: "error" },
  environment: once(() => readVaultEnvironment((name) => Deno.env.get(name))),
};

/** The members that identify a credential in answers. */
export const named = once(() => ({ credential_id: id(), service: text("amazon"), credential_type: text("api_key") }));

/** A credential in a list, without its value. */
export const credential = once(() =>
  documented(
    z.object({
      id: id(),
      service: named().service,
      credential_type: named().credential_type,
      created_at: moment(),
      updated_at: moment(),
      last_used_at: z.nullable(moment()),
    }),
    { id: "Credential" },
  )
);

export const CREDENTIAL_ACTIONS = ["store", "replace", "retrieve", "use", "delete", "rotate"];

/** An event of a credential, as callers see it. */
export const credentialEvent = once(() =>
  documented(
    z.object({
      ...event(CREDENTIAL_ACTIONS),
      ...named(),
      executor_id: documented(z.nullable(id()), {
        description: "of a use: the key of the Executor. The actor is who called the tool. Otherwise null",
      }),
      server_id: documented(z.nullable(z.string()), {
        description: "of a use: the server that the credential was used for. Otherwise null",
        examples: ["my-amazon-server"],
      }),
    }),
    { id: "CredentialEvent" },
  )
);

/** A call of an authenticated caller. */
export interface VaultCall<Input> extends Call<VaultEnvironment, Input> {
  readonly caller: Caller;
}

type VaultDefinition<Shape extends Fields> =
  & Omit<Definition<VaultEnvironment, Shape>, "project" | "resource" | "answer">
  & { answer(call: VaultCall<Input<Shape>>): Promise<Answer> };

/** An endpoint of the vault. It authenticates the caller before it calls `answer`. */
export function vaultEndpoint<Shape extends Fields>(definition: VaultDefinition<Shape>): Endpoint {
  return endpoint<VaultEnvironment, Shape>({
    ...definition,
    project: vault,
    resource: "credentials",
    answer: async (call) => await definition.answer({ ...call, caller: await authenticate(call) }),
  });
}

const answer = once(() => z.object({ data: z.unknown() }));

/** Calls a function of the vault's database for the caller. Returns its `data`. */
export async function callVault<Name extends FunctionName<Database>, Data extends z.ZodMiniType>(
  { environment, caller, noteCaller }: VaultCall<unknown>,
  name: Name,
  parameters: Omit<Parameters<Database, Name>, "caller">,
  data: () => Data,
): Promise<z.output<Data>> {
  const all = { caller, ...parameters } as Parameters<Database, Name>;
  const result = answer().parse(await callFunction<Database, Name>(environment.database, name, all, noteCaller));
  return data().parse(result.data);
}

export interface Selector {
  credential_id?: string | undefined;
  service?: string | undefined;
  credential_type?: string | undefined;
}

/** Fields that select a credential: its id, or its service and type. */
export const selectorFields = once(() => ({
  credential_id: z.optional(credentialId()),
  service: z.optional(service()),
  credential_type: z.optional(credentialType()),
}));

/** Describes the rule of {@linkcode checkSelector} for the document: one named schema for each way to select. */
export function selectorAbout() {
  const tenant_id = z.optional(tenantId());
  const byId = z.strictObject({ credential_id: credentialId(), tenant_id });
  const byService = z.strictObject({ service: service(), credential_type: z.optional(credentialType()), tenant_id });
  const oneOf = [documented(byId, { id: "CredentialById" }), documented(byService, { id: "CredentialByService" })];
  return {
    body: { name: "CredentialSelector", oneOf },
    example: { service: "amazon", credential_type: "api_key" },
  };
}

export function checkSelector({ credential_id, service, credential_type }: Selector): FieldError | undefined {
  const message = "send either credential_id, or service with an optional credential_type";
  if ((credential_id === undefined) === (service === undefined)) return { path: "credential_id", message };
  if (credential_id !== undefined && credential_type !== undefined) return { path: "credential_type", message };
  return undefined;
}

/** The selector in the form that SQL expects. */
export function selectorOf({ credential_id, service, credential_type = "api_key" }: Selector): Selector {
  return credential_id === undefined ? { service, credential_type } : { credential_id };
}
