/** The environment of both projects: the one place that reads it, checks it, and says how to mend it. */

import { unavailable } from "./api_error.ts";
import { importKernelSecret, KERNEL_SECRET_FORM, parseKernelSecret } from "./key.ts";
import { importKeyring, type Keyring, parseEncryptionKey } from "./keyring.ts";

/** Where a project's data API is, and the secret key that it takes. */
export interface DataApi {
  url: string;
  secretKey: string;
}

export interface HubEnvironment {
  database: DataApi;
  /** Absent: kernels are answered 503, agents are not affected. */
  kernelSecret: CryptoKey | undefined;
}

export interface VaultEnvironment extends HubEnvironment {
  hub: DataApi;
  keyring: Keyring;
}

/** One variable's value, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** @throws {ApiError} `unavailable`, whose cause names every faulty variable and no value. */
export async function readHubEnvironment(lookup: Lookup): Promise<HubEnvironment> {
  const faults: string[] = [];
  const database = readDatabase(lookup, faults);
  const kernelSecret = readKernelSecret(lookup, faults);
  if (faults.length > 0) throw unavailable(faults.join("; "));
  return { database, kernelSecret: kernelSecret && await importKernelSecret(kernelSecret) };
}

/** @throws {ApiError} `unavailable`, whose cause names every faulty variable and no value. */
export async function readVaultEnvironment(lookup: Lookup): Promise<VaultEnvironment> {
  const faults: string[] = [];
  const database = readDatabase(lookup, faults);
  const kernelSecret = readKernelSecret(lookup, faults);
  const hub = {
    url: readUrl(lookup, "REPO_B_URL", isSafeHubUrl, "the hub's https:// address (http:// on this machine)", faults),
    secretKey: readRequired(lookup, "REPO_B_SERVICE_KEY", "the hub's secret key", faults),
  };
  const current = readEncryptionKey(lookup, faults);
  const previous = readPreviousKeys(lookup, faults);
  if (faults.length > 0) throw unavailable(faults.join("; "));
  return {
    database,
    kernelSecret: kernelSecret && await importKernelSecret(kernelSecret),
    hub,
    keyring: await importKeyring(current, previous),
  };
}

function readDatabase(lookup: Lookup, faults: string[]): DataApi {
  const url = readUrl(lookup, "SUPABASE_URL", isHttpUrl, "the project's own address", faults);
  const keys = read(lookup, "SUPABASE_SECRET_KEYS");
  if (keys === undefined) {
    const need = "the project's secret key (or SUPABASE_SECRET_KEYS the map of them)";
    return { url, secretKey: readRequired(lookup, "SUPABASE_SERVICE_ROLE_KEY", need, faults) };
  }
  const secretKey = defaultOf(keys);
  if (secretKey === undefined) {
    faults.push('SUPABASE_SECRET_KEYS is malformed: it must be JSON of the form {"default": "sb_secret_…"}');
  }
  return { url, secretKey: secretKey ?? "" };
}

function defaultOf(keys: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(keys);
    if (typeof parsed !== "object" || parsed === null || !("default" in parsed)) return undefined;
    return typeof parsed.default === "string" && isHeaderValue(parsed.default) ? parsed.default : undefined;
  } catch {
    return undefined;
  }
}

function readKernelSecret(lookup: Lookup, faults: string[]): Uint8Array<ArrayBuffer> | undefined {
  const text = read(lookup, "KERNEL_HMAC_SECRET");
  if (text === undefined) return undefined;
  const secret = parseKernelSecret(text);
  if (secret === undefined) faults.push(`KERNEL_HMAC_SECRET is malformed: it must be ${KERNEL_SECRET_FORM}`);
  return secret;
}

const ENCRYPTION_KEY_FORM = "32 bytes as 64 hex characters or base64";

function readEncryptionKey(lookup: Lookup, faults: string[]): Uint8Array<ArrayBuffer> {
  const text = read(lookup, "CREDENTIAL_ENCRYPTION_KEY");
  const key = text === undefined ? undefined : parseEncryptionKey(text);
  if (key !== undefined) return key;
  const fault = text === undefined ? "is not set" : "is malformed";
  faults.push(
    `CREDENTIAL_ENCRYPTION_KEY ${fault}: it must be ${ENCRYPTION_KEY_FORM} (a new vault's: openssl rand -hex 32)`,
  );
  return new Uint8Array();
}

function readPreviousKeys(lookup: Lookup, faults: string[]): Uint8Array<ArrayBuffer>[] {
  const keys = (read(lookup, "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS") ?? "").split(",").map((key) => key.trim());
  if (keys.length === 1 && keys[0] === "") return [];
  return keys.map(parseEncryptionKey).flatMap((key, index) => {
    if (key !== undefined) return [key];
    faults.push(
      `CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS is malformed: entry ${index + 1} must be ${ENCRYPTION_KEY_FORM}`,
    );
    return [];
  });
}

function readUrl(lookup: Lookup, name: string, isGood: (url: URL) => boolean, need: string, faults: string[]): string {
  const text = readRequired(lookup, name, need, faults);
  if (text === "") return "";
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (isGood(url)) return url.origin + url.pathname.replace(/\/+$/, "");
  }
  faults.push(`${name} is malformed: it must be ${need}`);
  return "";
}

function readRequired(lookup: Lookup, name: string, need: string, faults: string[]): string {
  const text = read(lookup, name);
  if (text === undefined) faults.push(`${name} is not set: it must be ${need}`);
  else if (!isHeaderValue(text)) faults.push(`${name} is malformed: it must be ${need}`);
  else return text;
  return "";
}

/** Printable ASCII: what an HTTP header or a URL can carry. */
function isHeaderValue(text: string): boolean {
  return /^[\u0021-\u007e]+$/.test(text);
}

function isHttpUrl(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}

function isSafeHubUrl(url: URL): boolean {
  const isLoopback = /^(localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback);
}

/** A variable that is set to nothing, as an env file does with `NAME=`, is not set. */
function read(lookup: Lookup, name: string): string | undefined {
  return lookup(name)?.trim() || undefined;
}
