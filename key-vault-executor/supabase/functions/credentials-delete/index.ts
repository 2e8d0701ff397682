/** `POST /credentials/delete`: deletes a credential for good. */

import * as z from "zod/mini";
import { endpoint } from "shared/endpoint.ts";
import { credentialId, credentialType, service } from "shared/fields.ts";
import { callVault, checkSelector, selectorOf, vault } from "shared/vault.ts";
import { authenticate } from "shared/who_calls.ts";

const deleted = z.object({ credential_id: z.string(), deleted: z.literal(true) });

export default endpoint({
  project: vault,
  resource: "credentials",
  verb: "delete",
  method: "POST",
  fields: {
    credential_id: z.optional(credentialId),
    service: z.optional(service),
    credential_type: z.optional(credentialType),
  },
  rule: checkSelector,
  async answer(call) {
    const caller = await authenticate(call);
    const selector = selectorOf(call.input);
    const data = await callVault(call, caller, "delete_credential", { selector }, deleted);
    return { status: 200, data };
  },
});
