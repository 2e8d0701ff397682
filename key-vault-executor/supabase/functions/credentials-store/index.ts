/** `POST /credentials/store`: seals credentials for a service, and stores them in place of any that were there. */

import * as z from "zod/mini";
import { once } from "shared/once.ts";
import { moment } from "shared/answers.ts";
import { documented } from "shared/documented.ts";
import { endpoint } from "shared/endpoint.ts";
import { credentials, credentialType, service } from "shared/fields.ts";
import { seal } from "shared/seal.ts";
import { callVault, named, vault } from "shared/vault.ts";
import { authenticate } from "shared/who_calls.ts";

const told = once(() => ({ ...named(), created_at: moment() }));
const stored = once(() => z.object({ ...told(), created: z.boolean() }));

export default endpoint({
  project: vault,
  resource: "credentials",
  verb: "store",
  method: "POST",
  about: () => ({
    summary: "Store a credential",
    description:
      "Encrypts credentials for a service, and stores them. Those of the same service and type are replaced.",
    scope: "credentials:write",
    data: documented(z.object(told()), { id: "StoredCredential" }),
    statuses: { 200: "replaced", 201: "new" },
  }),
  fields: () => ({
    service: service(),
    credentials: credentials(),
    credential_type: z._default(credentialType(), "api_key"),
  }),
  async answer(call) {
    const { service, credentials, credential_type } = call.input;
    const caller = await authenticate(call);
    const row = { tenantId: caller.tenant_id, service, credentialType: credential_type };
    const { sealed, keyId } = await seal(call.environment.keyring, row, JSON.stringify(credentials));
    const credential = { service, credential_type, encrypted_credentials: sealed, encryption_key_id: keyId };
    const { created, ...data } = await callVault(call, caller, "store_credential", { credential }, stored);
    return { status: created ? 201 : 200, data };
  },
});
