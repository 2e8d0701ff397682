/** `kernel`: kernels' keys. */

import type { Command } from "commander";
import { findOrganization } from "../../client/find.ts";
import { listKernels } from "../../client/hub.ts";
import { revokeKernel } from "../../client/operator.ts";
import { issueUsableKernel } from "../../client/usable_kernel.ts";
import { addKeyCommands } from "./key_commands.ts";

export function addKernelCommands(program: Command): void {
  addKeyCommands(program, {
    group: "kernel",
    description: "kernels' keys: each key is for all tenants of one organization",
    noun: "kernel",
    member: "kernels",
    holder: { kind: "organization", reference: "its id or its name" },
    examples: { issue: "acme --name production --expires 2027-01-01", list: "acme" },
    async issue(target, reference, options) {
      const secret = target.kernelHmacSecret();
      const organization = await findOrganization(target.hub, reference);
      const issued = await issueUsableKernel(target.hub, secret, organization, options);
      const fields = { organization_id: organization.id };
      return { issued, holder: { description: `every tenant of ${organization.name}`, fields } };
    },
    list: async (hub, reference) =>
      await listKernels(hub, reference === undefined ? undefined : (await findOrganization(hub, reference)).id),
    revoke: revokeKernel,
  });
}
