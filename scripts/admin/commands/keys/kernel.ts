/** `kernel issue|list|revoke`. */

import type { Command } from "commander";
import { revokeKernel } from "../../client/operator.ts";
import { CliError } from "../../../cli/error.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { findOrganization, readId } from "../../client/find.ts";
import { listKernels } from "../../client/hub.ts";
import { issueUsableKernel } from "../../client/usable_kernel.ts";
import {
  addIssueOptions,
  type IssueOptions,
  KEY_HEADINGS,
  keyCells,
  printIssued,
  readKeyOptions,
} from "./key_options.ts";
import { print, table } from "../../../cli/output.ts";

export function addKernelCommands(program: Command): void {
  const group = addGroup(program, "kernel", "kernels' keys: each key is for all tenants of one organization");
  addIssueOptions(group.command("issue").description("issue a key and show it once"))
    .argument("<organization>", "its id or its name")
    .addHelpText("after", example("kernel issue acme --name production --expires 2027-01-01"))
    .action((organization: string, options: IssueOptions, command: Command) => issue(organization, options, command));
  group.command("list").description("list keys, without the keys' secret values")
    .argument("[organization]", "only for this organization: its id or its name")
    .addHelpText("after", example("kernel list acme"))
    .action((organization: string | undefined, _options: unknown, command: Command) => list(organization, command));
  group.command("revoke").description("revoke a key at once")
    .argument("<id>", "the key's id, as the list shows it")
    .addHelpText("after", example("kernel revoke 0c7f9d0e-5a55-4c0b-9d5e-2f1f1b1e6a01"))
    .action((id: string, _options: unknown, command: Command) => revoke(id, command));
}

async function issue(reference: string, options: IssueOptions, command: Command): Promise<void> {
  const keyOptions = readKeyOptions(options);
  const { json, target } = await readContext(command);
  const secret = target.kernelHmacSecret();
  const organization = await findOrganization(target.hub, reference);
  const issued = await issueUsableKernel(target.hub, secret, organization, keyOptions);
  const fields = { organization_id: organization.id };
  printIssued(json, issued, keyOptions, { description: `every tenant of ${organization.name}`, fields });
}

async function list(reference: string | undefined, command: Command): Promise<void> {
  const { json, target } = await readContext(command);
  const organization = reference === undefined ? undefined : await findOrganization(target.hub, reference);
  const kernels = (await listKernels(target.hub, organization?.id)).sort((a, b) =>
    a.organization_name.localeCompare(b.organization_name) || a.created_at.localeCompare(b.created_at)
  );
  const rows = kernels.map((kernel) => [kernel.organization_name, ...keyCells(kernel)]);
  print(json, { kernels }, table(["ORGANIZATION", ...KEY_HEADINGS], rows, "There are no kernels."));
}

async function revoke(text: string, command: Command): Promise<void> {
  const id = readId(text, "kernel list");
  const { json, target } = await readContext(command);
  if (!await revokeKernel(target.hub, id)) {
    throw new CliError(`there is no kernel with the id ${id}; deno task admin kernel list shows them`);
  }
  print(json, { id, revoked: true }, `Revoked ${id}. Requests with this key now fail.`);
}
