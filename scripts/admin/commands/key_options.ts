/** What keys of both kinds are issued with, and how they are listed. */

import { type Command, InvalidArgumentError } from "commander";
import { service as serviceField } from "shared/schema/request_fields.ts";
import { type IssuedKey, type KeyOptions, SCOPES } from "../client/operator.ts";
import { readExpiry } from "./expiry.ts";
import type { ApiKey, Kernel } from "../client/hub.ts";
import { print, time } from "../../cli/output.ts";

/** As the hub's table has it. */
const MAX_SERVICES = 100;

/** What the command line says of a key. */
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
      "limit it to credentials of this service; repeatable (default: all)",
      addService,
    );
}

/** @throws {CliError} for an expiry that is malformed or past. */
export function readKeyOptions({ name, expires, scope, service }: IssueOptions): KeyOptions {
  return {
    name,
    ...(scope !== undefined && { scopes: scope }),
    ...(service !== undefined && { services: service }),
    ...(expires !== undefined && { expires_at: readExpiry(expires, new Date()) }),
  };
}

/** Prints a new key: the one time that it is shown. */
export function printIssued(json: boolean, issued: IssuedKey, options: KeyOptions, holder: Holder): void {
  const { id, key } = issued;
  const { name, scopes = SCOPES, services = null, expires_at = null } = options;
  const expires = expires_at === null ? "never" : time(expires_at);
  const lines = [
    key,
    "",
    `This key is not shown again: store it now. Whoever holds it acts for ${holder.description}.`,
    `id ${id}, expires ${expires}, scopes ${scopes.join(" ")}, services ${services?.join(" ") ?? "all"}`,
    ...(services === null
      ? []
      : ["Services limit only its credentials: it may use every server of its tenant that its scopes allow."]),
  ];
  print(json, { id, key, name, scopes, services, expires_at, ...holder.fields }, lines);
}

export interface Holder {
  description: string;
  fields: Record<string, string>;
}

export const KEY_HEADINGS = ["ID", "KEY", "NAME", "SCOPES", "SERVICES", "CREATED", "EXPIRES", "REVOKED", "LAST USED"];

/** The cells under KEY_HEADINGS. */
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
  if (services.length > MAX_SERVICES) throw new InvalidArgumentError(`A key has at most ${MAX_SERVICES} services.`);
  return services;
}
