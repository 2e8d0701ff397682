/** `api-key`: agents' keys. */

import type { Command } from "commander";
import { withMessages } from "../../client/connection/call.ts";
import { findTenant, pathOf } from "../../client/find.ts";
import { listApiKeys } from "../../client/hub.ts";
import { issueApiKey, revokeApiKey } from "../../client/operator.ts";
import { NAME_RULE } from "../tenants/organization.ts";
import { addKeyCommands } from "./key_commands.ts";

export function addApiKeyCommands(program: Command): void {
  addKeyCommands(program, {
    group: "api-key",
    description: "agents' keys: each key is for one tenant",
    noun: "API key",
    member: "api_keys",
    holder: { kind: "tenant", reference: "its id, its name or organization/name" },
    examples: { issue: "acme-shop --name shop-agent --expires 90d --scope servers:read", list: "acme-shop" },
    async issue({ hub }, reference, options) {
      const tenant = await findTenant(hub, reference);
      const issued = await withMessages(issueApiKey(hub, tenant.id, options), {
        "23503": `the tenant ${pathOf(tenant)} was deleted during the command`,
        "23514": NAME_RULE,
      });
      return { issued, holder: { description: `the tenant ${pathOf(tenant)}`, fields: { tenant_id: tenant.id } } };
    },
    list: async (hub, reference) =>
      await listApiKeys(hub, reference === undefined ? undefined : (await findTenant(hub, reference)).id),
    revoke: revokeApiKey,
  });
}
