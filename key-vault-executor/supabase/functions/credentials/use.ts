/** `POST /credentials/use`: lends an Executor the credentials of a service, for a server that the hub's decision names. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { documented } from "shared/schema/annotate.ts";
import { decisionToken, service } from "shared/schema/request_fields.ts";
import { openCredential, openedCredential, sealedCredential } from "../_shared/sealed_credential.ts";
import { callVault, vaultEndpoint } from "../_shared/vault.ts";
import { requireDecision } from "./decided_use.ts";

const found = once(() => z.object({ credentials: z.array(sealedCredential()) }));
const used = once(() => documented(z.object({ credentials: z.array(openedCredential()) }), { id: "UsedCredentials" }));

export default vaultEndpoint({
  verb: "use",
  isFunction: false,
  method: "POST",
  about: () => ({
    summary: "Use the credentials of a service",
    description:
      "Decrypts the credentials of a service, 10 at most and the type `api_key` first, for an Executor that starts a " +
      "server. The service is the server's prefix without its last dot. The decision is the hub's, for this tenant and " +
      "for this server, and at most a minute old. Records who called, through which Executor and for which server.",
    scope: "credentials:use",
    isForKernels: true,
    data: used(),
    example: {
      tenant_id: "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11",
      service: "amazon",
      decision: "header.payload.signature",
    },
    errors: ["kernel_required", "decision_refused", "credential_unreadable"],
  }),
  fields: () => ({ service: service(), decision: decisionToken() }),
  async answer(call) {
    const { service, decision } = call.input;
    const use = await requireDecision(call, service, decision);
    const decided = { service, ...use, encryption_key_ids: call.environment.keyring.ids };
    const { credentials } = await callVault(call, "use_credentials", { decided }, found);
    return {
      status: 200,
      data: { credentials: await Promise.all(credentials.map((one) => openCredential(call, one))) },
    };
  },
});
