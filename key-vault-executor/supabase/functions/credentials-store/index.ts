/** `POST /credentials/store`: encrypts credentials for a service, and stores them. Replaces any that exist. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { moment } from "shared/schema/response_fields.ts";
import { documented } from "shared/schema/annotate.ts";
import { credentials, credentialType, service } from "shared/schema/request_fields.ts";
import { seal } from "shared/crypto/seal.ts";
import { callVault, named, vaultEndpoint } from "../_shared/vault.ts";

const told = once(() => ({ ...named(), created_at: moment() }));
const stored = once(() => z.object({ ...told(), created: z.boolean() }));

export default vaultEndpoint({
  verb: "store",
  method: "POST",
  about: () => ({
    summary: "Store a credential",
    description:
      "Encrypts credentials for a service, and stores them. Replaces the credentials of the same service and type.",
    scope: "credentials:write",
    data: documented(z.object(told()), { id: "StoredCredential" }),
    statuses: { 200: "the credential was replaced", 201: "the credential is new" },
    errors: ["quota_exceeded"],
  }),
  fields: () => ({
    service: service(),
    credentials: credentials(),
    credential_type: z._default(credentialType(), "api_key"),
  }),
  async answer(call) {
    const { service, credentials, credential_type } = call.input;
    const row = { tenantId: call.caller.tenant_id, service, credentialType: credential_type };
    const { sealed, keyId } = await seal(call.environment.keyring, row, JSON.stringify(credentials));
    const credential = { service, credential_type, encrypted_credentials: sealed, encryption_key_id: keyId };
    const { created, ...data } = await callVault(call, "store_credential", { credential }, stored);
    return { status: created ? 201 : 200, data };
  },
});
