/** The options to issue keys of both kinds, and the columns of their lists. */

import { type Command, InvalidArgumentError } from "commander";
import { service as serviceField } from "shared/schema/request_fields.ts";
import { type IssuedKey, type KeyOptions, SCOPES } from "../../client/operator.ts";
import { readExpiry } from "./expiry.ts";
import type { ApiKey, Kernel } from "../../client/hub.ts";
import { print, time } from "../../../cli/output.ts";

/** The hub's table has the same limit. */
const MAX_SERVICES = 100;

/** The command line's options for a key. */
export interface IssueOptions {
  name: string;
  expires?: string;
  scope?: string[];
  service?: string[];
}

export function addIssueOptions(command: Command): Command {
  return command
    .requiredOption("--name <name>", "what the key is for")
    .option("--expires <when>", "90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z (default: never)")
    .option("--scope <scope>", `one of ${SCOPES.join(", ")}; repeatable (default: all)`, addScope)
    .option(
      "--service <name>",
      "limit the key to credentials of this service; repeatable (default: all)",
      addService,
    );
}

/** @throws {CliError} for an expiry that is malformed or in the past. */
export function readKeyOptions({ name, expires, scope, service }: IssueOptions): KeyOptions {
  return {
    name,
    ...(scope !== undefined && { scopes: scope }),
    ...(service !== undefined && { services: service }),
    ...(expires !== undefined && { expires_at: readExpiry(expires, new Date()) }),
  };
}

/** Prints a new key. No later command can show it. */
export function printIssued(json: boolean, issued: IssuedKey, options: KeyOptions, holder: Holder): void {
  const { id, key } = issued;
  const { name, scopes = SCOPES, services = null, expires_at = null } = options;
  const expires = expires_at === null ? "never" : time(expires_at);
  const lines = [
    key,
    "",
    `Store this key now: it is not shown again. Anyone who has it can act for ${holder.description}.`,
    `id ${id}, expires ${expires}, scopes ${scopes.join(" ")}, services ${services?.join(" ") ?? "all"}`,
    ...(services === null
      ? []
      : ["Services limit credentials only: the key can use every server of its tenant that its scopes allow."]),
  ];
  print(json, { id, key, name, scopes, services, expires_at, ...holder.fields }, lines);
}

export interface Holder {
  description: string;
  fields: Record<string, string>;
}

export const KEY_HEADINGS = ["ID", "KEY", "NAME", "SCOPES", "SERVICES", "CREATED", "EXPIRES", "REVOKED", "LAST USED"];

/** One row under KEY_HEADINGS. */
export function keyCells(key: ApiKey | Kernel): string[] {
  return [
    key.id,
    `${key.display_prefix}…`,
    key.name,
    key.scopes.length === SCOPES.length ? "all" : key.scopes.join(" ") || "none",
    key.services === null ? "all" : key.services.join(" ") || "none",
    time(key.created_at),
    time(key.expires_at),
    time(key.revoked_at),
    time(key.last_used_at),
  ];
}

function addScope(scope: string, before: string[] | undefined): string[] {
  if (!SCOPES.includes(scope)) throw new InvalidArgumentError(`It must be one of ${SCOPES.join(", ")}.`);
  return [...new Set([...before ?? [], scope])];
}

function addService(service: string, before: string[] = []): string[] {
  const parsed = serviceField().safeParse(service);
  if (!parsed.success) throw new InvalidArgumentError(`It ${parsed.error.issues[0]?.message}.`);
  const services = [...new Set([...before, service])];
  if (services.length > MAX_SERVICES) {
    throw new InvalidArgumentError(`A key may have at most ${MAX_SERVICES} services.`);
  }
  return services;
}
