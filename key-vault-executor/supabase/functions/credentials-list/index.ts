/** `GET /credentials/list`: the credentials of the caller's tenant, by service and type, in pages, without their values. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { page } from "shared/schema/response_fields.ts";
import { pageOf } from "shared/schema/paging.ts";
import { cursor, limit, service } from "shared/schema/request_fields.ts";
import { callVault, credential, vaultEndpoint } from "../_shared/vault.ts";

const found = once(() => z.object({ credentials: z.array(credential()), more: z.boolean() }));

export default vaultEndpoint({
  verb: "list",
  method: "GET",
  about: () => ({
    summary: "List credentials",
    description: "Lists the credentials of the tenant by service and type, in pages, without their values.",
    scope: "credentials:read",
    data: page("CredentialPage", "credentials", credential()),
  }),
  fields: () => ({ service: z.optional(service()), limit: limit(), cursor: z.optional(cursor(2)) }),
  async answer(call) {
    const { service, limit, cursor } = call.input;
    const after = cursor && { tenant_id: cursor[0], service: cursor[1], credential_type: cursor[2] };
    const data = await callVault(call, "list_credentials", { filter: { service, limit, after } }, found);
    return {
      status: 200,
      data: pageOf(
        "credentials",
        data.credentials,
        data.more,
        (last) => [call.caller.tenant_id, last.service, last.credential_type],
      ),
    };
  },
});
