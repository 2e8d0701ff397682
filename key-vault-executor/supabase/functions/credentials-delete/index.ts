/** `POST /credentials/delete`: deletes a credential permanently. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { documented } from "shared/schema/annotate.ts";
import {
  callVault,
  checkSelector,
  named,
  selectorAbout,
  selectorFields,
  selectorOf,
  vaultEndpoint,
} from "../_shared/vault.ts";

const deleted = once(() =>
  documented(z.object({ credential_id: named().credential_id, deleted: z.literal(true) }), { id: "DeletedCredential" })
);

export default vaultEndpoint({
  verb: "delete",
  method: "POST",
  about: () => ({
    summary: "Delete a credential",
    description: "Deletes a credential permanently.",
    scope: "credentials:write",
    data: deleted(),
    errors: ["not_found"],
    ...selectorAbout(),
  }),
  fields: selectorFields,
  rule: checkSelector,
  async answer(call) {
    const selector = selectorOf(call.input);
    const data = await callVault(call, "delete_credential", { selector }, deleted);
    return { status: 200, data };
  },
});
