/** A credential as the database returns it, sealed, and as callers get it. */

import * as z from "zod/mini";
import { open } from "shared/crypto/seal.ts";
import { once } from "shared/lazy.ts";
import { documented } from "shared/schema/annotate.ts";
import { credentials } from "shared/schema/request_fields.ts";
import { named, type VaultCall } from "./vault.ts";

export const sealedCredential = once(() =>
  z.object({ ...named(), encrypted_credentials: z.string(), encryption_key_id: z.string() })
);

export const openedCredential = once(() =>
  documented(z.object({ ...named(), credentials: credentials() }), { id: "RetrievedCredential" })
);

/** Decrypts a credential of the caller's tenant. @throws {ApiError} like `open`. */
export async function openCredential(
  { environment, caller }: VaultCall<unknown>,
  sealed: z.output<ReturnType<typeof sealedCredential>>,
): Promise<z.output<ReturnType<typeof openedCredential>>> {
  const { credential_id, service, credential_type, encrypted_credentials, encryption_key_id } = sealed;
  const row = { tenantId: caller.tenant_id, service, credentialType: credential_type };
  const json = await open(environment.keyring, row, encrypted_credentials, encryption_key_id);
  return { credential_id, service, credential_type, credentials: JSON.parse(json) };
}
