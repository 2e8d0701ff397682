/**
 * Reads the vault's encryption keys from the environment, from `--env-file` or from the local stack. The command line
 * shows the keys' ids, and never the keys.
 */

import type { Command } from "commander";
import { ApiError } from "shared/api_error.ts";
import { type Lookup, readKeyring } from "shared/environment.ts";
import type { Keyring } from "shared/crypto/keyring.ts";
import { readEnvFile } from "../../deploy/check_config.ts";
import { CliError } from "../../cli/error.ts";
import { count } from "../../cli/output.ts";
import type { Target } from "../client/connection/target.ts";

const CURRENT = "CREDENTIAL_ENCRYPTION_KEY";
const PREVIOUS = "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS";

export type KeyState = "current" | "previous" | "not configured";

/** A key by its id, and how many credentials are sealed under it. */
export interface KeyUse {
  id: string;
  credentials: number;
  state: KeyState;
}

export interface KeyringOptions {
  envFile?: string;
}

export function addKeyOptions(command: Command): Command {
  return command.option("--env-file <file>", `read ${CURRENT} and ${PREVIOUS} from this file, not the environment`);
}

/** @throws {CliError} that names the missing or malformed variable, and never shows its value. */
export async function readKeys(options: KeyringOptions, target: Target): Promise<Keyring> {
  const lookup = options.envFile === undefined ? lookupOf(target) : await readEnvFile(options.envFile);
  try {
    return await readKeyring(lookup);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const hint = lookup(CURRENT)?.trim() ? "" : "; export it, or name its file with --env-file";
    throw new CliError(`${error.cause}${hint}`);
  }
}

/** Like readKeys(), but undefined if a key is missing or malformed. */
export async function readKeysIfKnown(target: Target): Promise<Keyring | undefined> {
  return await readKeyring(lookupOf(target)).catch(() => undefined);
}

export function stateOf(keyring: Keyring, id: string): KeyState {
  if (id === keyring.currentId) return "current";
  return keyring.find(id) === undefined ? "not configured" : "previous";
}

/** The configured keys, the current one first, and then keys that only credentials name. */
export function useOf(keyring: Keyring, inventory: { id: string; credentials: number }[]): KeyUse[] {
  const credentials = new Map(inventory.map((key) => [key.id, key.credentials]));
  const ids = new Set([keyring.currentId, ...keyring.ids, ...credentials.keys()]);
  return [...ids].map((id) => ({ id, credentials: credentials.get(id) ?? 0, state: stateOf(keyring, id) }));
}

/** How many credentials are under keys of that state. */
export function total(keys: KeyUse[], state: KeyState): number {
  return keys.filter((key) => key.state === state).reduce((sum, key) => sum + key.credentials, 0);
}

export function describeKeys(keys: KeyUse[]): string[] {
  return keys.map(({ id, credentials, state }) => {
    if (state === "current") return `${count(credentials, "credential")} under ${id}: the current key`;
    const left = `${count(credentials, "credential")} left under ${id}`;
    if (state === "not configured") return `${left}: not configured; add this key to ${PREVIOUS} to open them`;
    if (credentials > 0) return `${left}: a previous key, still needed`;
    return `${left}: you can remove this key from ${PREVIOUS}`;
  });
}

/** The local stack's key replaces only the current key, and only when the environment does not set it. */
function lookupOf(target: Target): Lookup {
  return (name) => Deno.env.get(name)?.trim() || (name === CURRENT ? target.encryptionKey : undefined);
}
