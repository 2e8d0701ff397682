/** A local stack's keys. The data folder keeps them for the next start. */

import { encodeHex } from "@std/encoding/hex";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import * as z from "zod/mini";

const project = z.object({ secret_key: z.string(), publishable_key: z.string() });
const tenant = z.object({ id: z.string(), name: z.string(), api_key: z.string() });
const organization = z.object({
  id: z.string(),
  name: z.string(),
  kernel_key: z.string(),
  tenants: z.array(tenant).check(z.minLength(1)),
});
const stackKeys = z.object({
  governance_hub: project,
  key_vault_executor: project,
  kernel_hmac_secret: z.string(),
  credential_encryption_key: z.string(),
  decision_signing_key: z.string(),
  decision_verify_keys: z.string(),
  database_password: z.string(),
  /** Absent until the databases are seeded. */
  organizations: z.optional(z.array(organization).check(z.minLength(1))),
  /** Of each organization a kernel's key, with which the Executor uses credentials. Absent until they are issued. */
  executor_keys: z.optional(z.array(z.string()).check(z.minLength(1))),
});

export type ProjectKeys = z.output<typeof project>;
export type SeededTenant = z.output<typeof tenant>;
export type SeededOrganization = z.output<typeof organization>;
export type StackKeys = z.output<typeof stackKeys>;

/** The keys in the file. @throws when it is missing or damaged. */
export async function readKeys(path: string): Promise<StackKeys> {
  return stackKeys.parse(JSON.parse(await Deno.readTextFile(path)));
}

export async function generateKeys(): Promise<StackKeys> {
  const { signingKey, verifyKey } = await makeDecisionKeys();
  return {
    governance_hub: generateProjectKeys(),
    key_vault_executor: generateProjectKeys(),
    kernel_hmac_secret: randomHex(),
    credential_encryption_key: randomHex(),
    decision_signing_key: signingKey,
    decision_verify_keys: verifyKey,
    database_password: randomHex(),
  };
}

/** Writes JSON that only its owner can read. Replaces the file in one step, so that it is never incomplete. */
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
