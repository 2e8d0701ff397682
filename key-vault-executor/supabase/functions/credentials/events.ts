/** `GET /credentials/events`: the events of the caller's credentials, newest first, in pages. */

import * as z from "zod/mini";
import { once } from "shared/lazy.ts";
import { page } from "shared/schema/response_fields.ts";
import { pageOf } from "shared/schema/paging.ts";
import { eventFields } from "shared/schema/event_fields.ts";
import { service } from "shared/schema/request_fields.ts";
import { callVault, CREDENTIAL_ACTIONS, credentialEvent, vaultEndpoint } from "../_shared/vault.ts";

const found = once(() => z.object({ events: z.array(credentialEvent()), more: z.boolean() }));

export default vaultEndpoint({
  verb: "events",
  isFunction: false,
  method: "GET",
  about: () => ({
    summary: "List events of credentials",
    description: "Lists the uses and changes of the tenant's credentials, newest first, in pages. " +
      "`since` is inclusive, `until` is exclusive.",
    scope: "credentials:read",
    data: page("CredentialEventPage", "events", credentialEvent()),
  }),
  fields: () => ({ ...eventFields(CREDENTIAL_ACTIONS), service: z.optional(service()) }),
  async answer(call) {
    const { cursor, ...filter } = call.input;
    const after = cursor && { tenant_id: cursor[0], occurred_at: cursor[1], id: cursor[2] };
    const data = await callVault(call, "list_credential_events", { filter: { ...filter, after } }, found);
    return {
      status: 200,
      data: pageOf("events", data.events, data.more, (last) => [call.caller.tenant_id, last.occurred_at, last.id]),
    };
  },
});
