/** `POST /credentials/retrieve`: opens a credential, and notes that it was used. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { credentialId, credentialType, service } from "shared/fields.ts";
import { open } from "shared/seal.ts";
import { callVault, checkSelector, selectorOf, vault } from "shared/vault.ts";
import { authenticate } from "shared/who_calls.ts";

const retrieved = z.object({
  credential_id: z.string(),
  service: z.string(),
  credential_type: z.string(),
  encrypted_credentials: z.string(),
  encryption_key_id: z.string(),
});

export default endpoint({
  project: vault,
  resource: "credentials",
  verb: "retrieve",
  method: "POST",
  fields: {
    credential_id: z.optional(credentialId),
    service: z.optional(service),
    credential_type: z.optional(credentialType),
  },
  rule: checkSelector,
  async answer(call) {
    const caller = await authenticate(call);
    const selector = { ...selectorOf(call.input), encryption_key_ids: call.environment.keyring.ids };
    const found = await callVault(call, caller, "retrieve_credential", { selector }, retrieved);
    const { credential_id, service, credential_type, encrypted_credentials, encryption_key_id } = found;
    const row = { tenantId: caller.tenant_id, service, credentialType: credential_type };
    const json = await open(call.environment.keyring, row, encrypted_credentials, encryption_key_id);
    return { status: 200, data: { credential_id, service, credential_type, credentials: JSON.parse(json) } };
  },
});
