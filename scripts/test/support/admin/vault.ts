/** Sealed rows in the vault of program.ts, and a proxy that acts between two calls of a command. */

import { encryptionKeyId, importKeyring, type Keyring, parseEncryptionKey } from "shared/crypto/keyring.ts";
import { open, seal } from "shared/crypto/seal.ts";
import { acme, admin, NEW_KEY, OLD_KEY, PASSWORD, type Ran, vault, vaultSql } from "./program.ts";

/** The variables of the vault's keys. */
export const KEYS = { CREDENTIAL_ENCRYPTION_KEY: NEW_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: OLD_KEY };

/** Runs a command that opens with the old key, too. On the local stack, stack.json has the current key. */
export function adminWithOldKey(...words: string[]): Promise<Ran> {
  return admin(words, { CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: OLD_KEY });
}

/** `rotate-key` that asks nothing. */
export function rotate(...words: string[]): Promise<Ran> {
  return adminWithOldKey("rotate-key", "--yes", ...words);
}

/** A key that the tests' vault does not have. */
export const LOST_KEY = "3c".repeat(32);

export const [NEW_ID, OLD_ID, LOST_ID] = [await idOf(NEW_KEY), await idOf(OLD_KEY), await idOf(LOST_KEY)];

export const tenantId = acme.tenants[0]?.id ?? "";
export const apiKey = acme.tenants[0]?.api_key ?? "";

const keyring = await importKeyring(bytesOf(NEW_KEY), [bytesOf(OLD_KEY)]);

/** Fills the vault with only these credentials: this many under each key, of services `<first two of the key>-<n>`. */
export async function refill(amounts: Record<string, number>): Promise<void> {
  await vaultSql`delete from public.tenant_credentials where true`;
  for (const [key, amount] of Object.entries(amounts)) await insert(key, amount);
}

export async function insert(key: string, amount: number, prefix = key.slice(0, 2)): Promise<void> {
  const sealing = await importKeyring(bytesOf(key), []);
  const sealed = await Promise.all(Array.from({ length: amount }, (_, n) => sealOne(sealing, `${prefix}-${n}`)));
  await vaultSql`
    insert into public.tenant_credentials (tenant_id, service, encrypted_credentials, encryption_key_id)
    select ${tenantId}, row ->> 'service', decode(row ->> 'sealed', 'base64'), row ->> 'keyId'
    from jsonb_array_elements(${vaultSql.json(sealed)}) as row`;
}

async function sealOne(sealing: Keyring, service: string) {
  const row = { tenantId, service, credentialType: "api_key" };
  return { service, ...await seal(sealing, row, JSON.stringify(valueOf(service))) };
}

/** The value that the row of this service seals. */
export function valueOf(service: string): { password: string; of: string } {
  return { password: PASSWORD, of: service };
}

export interface VaultRow {
  id: string;
  service: string;
  sealed: string;
  encryption_key_id: string;
  updated_at: Date;
}

/** All rows, by service. */
export async function readRows(): Promise<VaultRow[]> {
  return await vaultSql<VaultRow[]>`
    select id, service, encode(encrypted_credentials, 'base64') as sealed, encryption_key_id, updated_at
    from public.tenant_credentials order by service`.then((rows) => [...rows]);
}

/** The services whose rows are not under this key, or do not open to the sealed value. */
export async function findWrong(keyId: string): Promise<string[]> {
  const wrong: string[] = [];
  for (const { service, sealed, encryption_key_id } of await readRows()) {
    const row = { tenantId, service, credentialType: "api_key" };
    const json = await open(keyring, row, sealed.replaceAll("\n", ""), encryption_key_id).catch(() => "");
    if (encryption_key_id !== keyId || json !== JSON.stringify(valueOf(service))) wrong.push(service);
  }
  return wrong;
}

/** A proxy for the vault. A hook sees each call of an operators' function, and can answer instead of the vault. */
export async function withProxy<T>(
  hook: (name: string, forward: () => Promise<Response>) => Promise<Response | void>,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    const body = await request.text();
    const { headers, method } = request;
    const forward = () => fetch(`${vault.url}${pathname}`, { method, headers, body });
    return await hook(pathname.replace("/rest/v1/rpc/", ""), forward) ?? await forward();
  });
  try {
    return await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

function idOf(key: string): Promise<string> {
  return encryptionKeyId(bytesOf(key));
}

function bytesOf(key: string): Uint8Array<ArrayBuffer> {
  return parseEncryptionKey(key) ?? new Uint8Array();
}
