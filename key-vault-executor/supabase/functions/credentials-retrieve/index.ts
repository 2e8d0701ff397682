/** `POST /credentials/retrieve`: decrypts a credential, and records that it was used. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { documented } from "shared/schema/annotate.ts";
import { credentials } from "shared/schema/request_fields.ts";
import { open } from "shared/crypto/seal.ts";
import {
  callVault,
  checkSelector,
  named,
  selectorAbout,
  selectorFields,
  selectorOf,
  vaultEndpoint,
} from "../_shared/vault.ts";

const retrieved = once(() =>
  z.object({ ...named(), encrypted_credentials: z.string(), encryption_key_id: z.string() })
);

export default vaultEndpoint({
  verb: "retrieve",
  method: "POST",
  about: () => ({
    summary: "Retrieve a credential",
    description: "Decrypts a credential, and records that it was used.",
    scope: "credentials:reveal",
    data: documented(z.object({ ...named(), credentials: credentials() }), { id: "RetrievedCredential" }),
    errors: ["not_found", "credential_unreadable"],
    ...selectorAbout(),
  }),
  fields: selectorFields,
  rule: checkSelector,
  async answer(call) {
    const selector = { ...selectorOf(call.input), encryption_key_ids: call.environment.keyring.ids };
    const found = await callVault(call, "retrieve_credential", { selector }, retrieved);
    const { credential_id, service, credential_type, encrypted_credentials, encryption_key_id } = found;
    const row = { tenantId: call.caller.tenant_id, service, credentialType: credential_type };
    const json = await open(call.environment.keyring, row, encrypted_credentials, encryption_key_id);
    return { status: 200, data: { credential_id, service, credential_type, credentials: JSON.parse(json) } };
  },
});
