/** `POST /credentials/retrieve`: decrypts a credential, and records that it was used. */

import { openCredential, openedCredential, sealedCredential } from "../_shared/sealed_credential.ts";
import {
  callVault,
  checkSelector,
  selectorAbout,
  selectorFields,
  selectorOf,
  vaultEndpoint,
} from "../_shared/vault.ts";

export default vaultEndpoint({
  verb: "retrieve",
  method: "POST",
  about: () => ({
    summary: "Retrieve a credential",
    description: "Decrypts a credential, and records that it was used.",
    scope: "credentials:reveal",
    data: openedCredential(),
    errors: ["not_found", "credential_unreadable"],
    ...selectorAbout(),
  }),
  fields: selectorFields,
  rule: checkSelector,
  async answer(call) {
    const selector = { ...selectorOf(call.input), encryption_key_ids: call.environment.keyring.ids };
    const found = await callVault(call, "retrieve_credential", { selector }, sealedCredential);
    return { status: 200, data: await openCredential(call, found) };
  },
});
