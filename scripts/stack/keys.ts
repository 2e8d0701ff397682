/** The keys of a local stack, kept in its data folder so that a restart has them. */

import { encodeHex } from "@std/encoding/hex";

export interface ProjectKeys {
  secret_key: string;
  publishable_key: string;
}

export interface SeededTenant {
  id: string;
  name: string;
  api_key: string;
}

export interface SeededOrganization {
  id: string;
  name: string;
  kernel_key: string;
  tenants: SeededTenant[];
}

export interface StackKeys {
  governance_hub: ProjectKeys;
  key_vault_executor: ProjectKeys;
  kernel_hmac_secret: string;
  credential_encryption_key: string;
  database_password: string;
  /** Absent until the databases are seeded. */
  organizations?: SeededOrganization[];
}

/** The keys in the file; undefined when there is none. */
export async function readKeys(path: string): Promise<StackKeys | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

export function generateKeys(): StackKeys {
  return {
    governance_hub: generateProjectKeys(),
    key_vault_executor: generateProjectKeys(),
    kernel_hmac_secret: randomHex(),
    credential_encryption_key: randomHex(),
    database_password: randomHex(),
  };
}

/** Writes JSON that only its owner may read, whole or not at all. */
export async function writeSecretJson(path: string, value: unknown): Promise<void> {
  await Deno.writeTextFile(`${path}.new`, JSON.stringify(value, null, 2) + "\n", { mode: 0o600 });
  await Deno.rename(`${path}.new`, path);
}

function generateProjectKeys(): ProjectKeys {
  return { secret_key: `sb_secret_${randomHex()}`, publishable_key: `sb_publishable_${randomHex()}` };
}

function randomHex(): string {
  return encodeHex(crypto.getRandomValues(new Uint8Array(32)));
}
