/** `api-key issue|list|revoke` and `kernel issue|list|revoke`: the same commands for both kinds of keys. */

import type { Command } from "commander";
import { CliError } from "../../../cli/error.ts";
import { print, table } from "../../../cli/output.ts";
import type { ProjectAccess } from "../../client/connection/call.ts";
import { readId, tenantPath } from "../../client/find.ts";
import type { ApiKey, Kernel } from "../../client/hub.ts";
import type { IssuedKey, KeyOptions } from "../../client/operator.ts";
import type { Target } from "../../client/connection/target.ts";
import { addGroup, example, readContext } from "../../command.ts";
import {
  addIssueOptions,
  type Holder,
  type IssueOptions,
  KEY_HEADINGS,
  keyCells,
  printIssued,
  readKeyOptions,
} from "./key_options.ts";

/** What the commands of one kind of keys do, and how they call it. */
export interface KeyCommands {
  group: "api-key" | "kernel";
  description: string;
  /** In messages, for one key. */
  noun: string;
  /** The member of the list's JSON. */
  member: string;
  holder: { kind: "tenant" | "organization"; reference: string };
  examples: { issue: string; list: string };
  issue(target: Target, reference: string, options: KeyOptions): Promise<{ issued: IssuedKey; holder: Holder }>;
  /** All keys, if no holder is named. */
  list(hub: ProjectAccess, reference: string | undefined): Promise<(ApiKey | Kernel)[]>;
  /** Returns whether the key exists. */
  revoke(hub: ProjectAccess, id: string): Promise<boolean>;
}

export function addKeyCommands(program: Command, keys: KeyCommands): void {
  const { kind, reference } = keys.holder;
  const group = addGroup(program, keys.group, keys.description);
  addIssueOptions(group.command("issue").description("issue a key and show it once"))
    .argument(`<${kind}>`, reference)
    .addHelpText("after", example(`${keys.group} issue ${keys.examples.issue}`))
    .action((holder: string, options: IssueOptions, command: Command) => issue(keys, holder, options, command));
  group.command("list").description("list keys, without the keys' secret values")
    .argument(`[${kind}]`, `only for this ${kind}: ${reference}`)
    .addHelpText("after", example(`${keys.group} list ${keys.examples.list}`))
    .action((holder: string | undefined, _options: unknown, command: Command) => list(keys, holder, command));
  group.command("revoke").description("revoke a key at once")
    .argument("<id>", "the key's id, as the list shows it")
    .addHelpText("after", example(`${keys.group} revoke 0c7f9d0e-5a55-4c0b-9d5e-2f1f1b1e6a01`))
    .action((id: string, _options: unknown, command: Command) => revoke(keys, id, command));
}

async function issue(
  keys: KeyCommands,
  reference: string,
  options: IssueOptions,
  command: Command,
): Promise<void> {
  const keyOptions = readKeyOptions(options);
  const { json, target } = await readContext(command);
  const { issued, holder } = await keys.issue(target, reference, keyOptions);
  printIssued(json, issued, keyOptions, holder);
}

async function list(
  { holder, noun, member, list }: KeyCommands,
  reference: string | undefined,
  command: Command,
): Promise<void> {
  const { json, target } = await readContext(command);
  const keys = (await list(target.hub, reference)).sort((a, b) =>
    holderOf(a).localeCompare(holderOf(b)) || a.created_at.localeCompare(b.created_at)
  );
  const rows = keys.map((key) => [holderOf(key), ...keyCells(key)]);
  print(json, { [member]: keys }, table([holder.kind.toUpperCase(), ...KEY_HEADINGS], rows, `There are no ${noun}s.`));
}

function holderOf(key: ApiKey | Kernel): string {
  return "tenant_name" in key ? tenantPath(key) : key.organization_name;
}

async function revoke(
  { group, noun, revoke }: KeyCommands,
  text: string,
  command: Command,
): Promise<void> {
  const id = readId(text, `${group} list`);
  const { json, target } = await readContext(command);
  if (!await revoke(target.hub, id)) {
    throw new CliError(`there is no ${noun} with the id ${id}; deno task admin ${group} list shows them`);
  }
  print(json, { id, revoked: true }, `Revoked ${id}. Requests with this key now fail.`);
}
