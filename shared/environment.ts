/** Reads and checks the environment variables of both projects. Its errors say how to fix them. */

import { type ApiError, unavailable } from "./api_error.ts";
import type { DatabaseAccess } from "./database/call_function.ts";
import type { DirectDatabase } from "./database/direct_connection.ts";
import { importKernelSecret, parseKernelSecret } from "./auth/api_key.ts";
import {
  areVerifyKeys,
  importSigningKey,
  importVerifyKeys,
  isDecisionKey,
  type SigningKey,
} from "./decision/decision_keys.ts";
import { importKeyring, type Keyring, parseEncryptionKey } from "./crypto/keyring.ts";
import { isSafeAddress, isThisMachine } from "./loopback.ts";
import { type VariableName, VARIABLES } from "./variables.ts";

export interface ProjectEnvironment {
  database: DatabaseAccess;
  /** If absent, kernels get 503. Agents are not affected. */
  kernelSecret: CryptoKey | undefined;
}

export interface HubEnvironment extends ProjectEnvironment {
  /** If absent, the hub's tools for credentials say which variable to set. */
  vaultUrl: string | undefined;
  /** If absent, the gateway calls no tool of a server. The hub's own tools are not affected. */
  executors: Executors | undefined;
}

/** Where the Executors are, and the key that signs what they may do. */
export interface Executors {
  urls: readonly string[];
  signingKey: SigningKey;
}

export interface VaultEnvironment extends ProjectEnvironment {
  hub: HubAccess;
  keyring: Keyring;
  /** The public keys that decisions are verified with. If absent, `credentials/use` answers 503. */
  verifyKeys: readonly CryptoKey[] | undefined;
}

/** How the vault asks the hub for the caller: its database, or `authorize` with the publishable key. */
export type HubAccess = DatabaseAccess | { url: string; publishableKey: string };

/** One variable's value, or undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

/** What is wrong with a variable, and what it must be. It never contains the value. */
export interface Fault {
  variable: VariableName;
  state: "not set" | "malformed";
  need: string;
}

/** @throws {ApiError} `unavailable`. Its cause names every faulty variable, and never a value. */
export async function readHubEnvironment(lookup: Lookup): Promise<HubEnvironment> {
  const faults: Fault[] = [];
  const database = readDatabase(lookup, faults);
  const kernelSecret = readKernelSecret(lookup, faults);
  const executors = readExecutors(lookup, faults);
  const vaultUrl = readVaultUrl(lookup, faults);
  if (faults.length > 0) throw misconfigured(faults);
  return {
    database,
    kernelSecret: kernelSecret && await importKernelSecret(kernelSecret),
    executors: importExecutors(executors),
    vaultUrl,
  };
}

/** @throws {ApiError} `unavailable`. Its cause names every faulty variable, and never a value. */
export async function readVaultEnvironment(lookup: Lookup): Promise<VaultEnvironment> {
  const faults: Fault[] = [];
  const database = readDatabase(lookup, faults);
  const { kernelSecret, hub, current, previous, verifyKeys } = readVaultSecrets(lookup, faults);
  if (faults.length > 0) throw misconfigured(faults);
  return {
    database,
    kernelSecret: kernelSecret && await importKernelSecret(kernelSecret),
    hub,
    keyring: await importKeyring(current, previous),
    verifyKeys: verifyKeys === undefined ? undefined : await importVerifyKeys(verifyKeys),
  };
}

/** Reads only the vault's encryption keys. @throws {ApiError} like {@linkcode readVaultEnvironment}. */
export async function readKeyring(lookup: Lookup): Promise<Keyring> {
  const faults: Fault[] = [];
  const current = readEncryptionKey(lookup, faults);
  const previous = readPreviousKeys(lookup, faults);
  if (faults.length > 0) throw misconfigured(faults);
  return await importKeyring(current, previous);
}

/** The faults among the variables that an operator sets for the hub. */
export function findHubFaults(lookup: Lookup): Fault[] {
  const faults: Fault[] = [];
  readKernelSecret(lookup, faults);
  readExecutors(lookup, faults);
  readVaultUrl(lookup, faults);
  return [...faults, ...findHalf(lookup)];
}

/** The faults among the variables that an operator sets for the vault. */
export function findVaultFaults(lookup: Lookup): Fault[] {
  const faults: Fault[] = [];
  readVaultSecrets(lookup, faults);
  return faults;
}

function misconfigured(faults: Fault[]): ApiError {
  return unavailable(
    faults.map(({ variable, state, need }) => `${variable} is ${state}: it must be ${need}`).join("; "),
  );
}

function readVaultSecrets(lookup: Lookup, faults: Fault[]) {
  return {
    kernelSecret: readKernelSecret(lookup, faults),
    hub: readHubAccess(lookup, faults),
    current: readEncryptionKey(lookup, faults),
    previous: readPreviousKeys(lookup, faults),
    verifyKeys: readVerifyKeys(lookup, faults),
  };
}

function readVerifyKeys(lookup: Lookup, faults: Fault[]): string | undefined {
  const text = read(lookup, "DECISION_VERIFY_KEYS");
  if (text !== undefined && !areVerifyKeys(text)) faults.push(fault("DECISION_VERIFY_KEYS", "malformed"));
  return text;
}

function readHubAccess(lookup: Lookup, faults: Fault[]): HubAccess {
  const direct = readDirectDatabase(lookup, "REPO_B_DATABASE_URL", "REPO_B_DATABASE_CA", faults);
  if (direct !== undefined) return direct;
  const url = readUrl(lookup, "REPO_B_URL", isSafeForFunctions, faults, "REPO_B_DATABASE_URL");
  if (read(lookup, "REPO_B_SERVICE_KEY") === undefined && read(lookup, "REPO_B_ANON_KEY") !== undefined) {
    return { url, publishableKey: readRequired(lookup, "REPO_B_ANON_KEY", faults) };
  }
  return { url, secretKey: readRequired(lookup, "REPO_B_SERVICE_KEY", faults, "REPO_B_ANON_KEY") };
}

function readDatabase(lookup: Lookup, faults: Fault[]): DatabaseAccess {
  const direct = readDirectDatabase(lookup, "DATABASE_URL", "DATABASE_CA", faults);
  if (direct !== undefined) return direct;
  const url = readUrl(lookup, "SUPABASE_URL", isHttpUrl, faults);
  const keys = read(lookup, "SUPABASE_SECRET_KEYS");
  if (keys === undefined) {
    return { url, secretKey: readRequired(lookup, "SUPABASE_SERVICE_ROLE_KEY", faults, "SUPABASE_SECRET_KEYS") };
  }
  const secretKey = defaultOf(keys);
  if (secretKey === undefined) faults.push(fault("SUPABASE_SECRET_KEYS", "malformed"));
  return { url, secretKey: secretKey ?? "" };
}

function readDirectDatabase(
  lookup: Lookup,
  urlName: "DATABASE_URL" | "REPO_B_DATABASE_URL",
  caName: "DATABASE_CA" | "REPO_B_DATABASE_CA",
  faults: Fault[],
): DirectDatabase | undefined {
  const databaseUrl = read(lookup, urlName);
  if (databaseUrl === undefined) return undefined;
  if (!isDatabaseUrl(databaseUrl)) faults.push(fault(urlName, "malformed"));
  // An env file has a value on one line.
  const databaseCa = read(lookup, caName)?.replaceAll("\\n", "\n");
  if (databaseCa !== undefined && !databaseCa.startsWith(PEM_BEGIN)) faults.push(fault(caName, "malformed"));
  return { databaseUrl, databaseCa };
}

const PEM_BEGIN = "-----BEGIN CERTIFICATE-----";

function isDatabaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hostname, pathname } = new URL(text);
  return /^postgres(ql)?:$/.test(protocol) && [username, password, hostname, pathname.slice(1)].every(Boolean);
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

function readKernelSecret(lookup: Lookup, faults: Fault[]): Uint8Array<ArrayBuffer> | undefined {
  const text = read(lookup, "KERNEL_HMAC_SECRET");
  if (text === undefined) return undefined;
  const secret = parseKernelSecret(text);
  if (secret === undefined) faults.push(fault("KERNEL_HMAC_SECRET", "malformed"));
  return secret;
}

/** Without one of the two variables there is no Executor. The rest of the hub needs neither. */
function readExecutors(lookup: Lookup, faults: Fault[]): { urls: string[]; signingKey: string } | undefined {
  const signingKey = read(lookup, "DECISION_SIGNING_KEY");
  const urls = read(lookup, "EXECUTOR_URLS")?.split(",").map((text) => text.trim());
  if (signingKey !== undefined && !isDecisionKey(signingKey)) faults.push(fault("DECISION_SIGNING_KEY", "malformed"));
  const isSafe = (text: string) => URL.canParse(text) && isSafeForFunctions(new URL(text));
  if (urls !== undefined && !urls.every(isSafe)) faults.push(fault("EXECUTOR_URLS", "malformed"));
  if (signingKey === undefined || urls === undefined) return undefined;
  return { urls: urls.map(withoutEnd), signingKey };
}

/** Each of the two variables is useless without the other. */
function findHalf(lookup: Lookup): Fault[] {
  const missing = (["DECISION_SIGNING_KEY", "EXECUTOR_URLS"] as const).filter((name) => !read(lookup, name));
  return missing.length === 1 ? missing.map((name) => fault(name, "not set")) : [];
}

function importExecutors(given: { urls: string[]; signingKey: string } | undefined): Executors | undefined {
  const signingKey = given && importSigningKey(given.signingKey);
  return given && signingKey && { urls: given.urls, signingKey };
}

function withoutEnd(url: string): string {
  return url.replace(/\/+$/, "");
}

function readVaultUrl(lookup: Lookup, faults: Fault[]): string | undefined {
  if (read(lookup, "VAULT_URL") === undefined) return undefined;
  return readUrl(lookup, "VAULT_URL", isSafeForFunctions, faults);
}

function readEncryptionKey(lookup: Lookup, faults: Fault[]): Uint8Array<ArrayBuffer> {
  const text = read(lookup, "CREDENTIAL_ENCRYPTION_KEY");
  const key = text === undefined ? undefined : parseEncryptionKey(text);
  if (key !== undefined) return key;
  faults.push(fault("CREDENTIAL_ENCRYPTION_KEY", text === undefined ? "not set" : "malformed"));
  return new Uint8Array();
}

function readPreviousKeys(lookup: Lookup, faults: Fault[]): Uint8Array<ArrayBuffer>[] {
  const keys = (read(lookup, "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS") ?? "").split(",").map((key) => key.trim());
  if (keys.length === 1 && keys[0] === "") return [];
  return keys.map(parseEncryptionKey).flatMap((key, index) => {
    if (key !== undefined) return [key];
    faults.push(fault("CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS", "malformed", `; entry ${index + 1} is malformed`));
    return [];
  });
}

function readUrl(
  lookup: Lookup,
  name: VariableName,
  isGood: (url: URL) => boolean,
  faults: Fault[],
  alternative?: VariableName,
): string {
  const text = readRequired(lookup, name, faults, alternative);
  if (text === "") return "";
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (isGood(url)) return url.origin + url.pathname.replace(/\/+$/, "");
  }
  faults.push(fault(name, "malformed"));
  return "";
}

/** @param alternative another variable that can be set instead */
function readRequired(lookup: Lookup, name: VariableName, faults: Fault[], alternative?: VariableName): string {
  const text = read(lookup, name);
  if (text !== undefined && isHeaderValue(text)) return text;
  const more = alternative === undefined ? "" : ` (or set ${alternative} to ${VARIABLES[alternative].form})`;
  faults.push(fault(name, text === undefined ? "not set" : "malformed", more));
  return "";
}

function fault(variable: VariableName, state: Fault["state"], more = ""): Fault {
  return { variable, state, need: VARIABLES[variable].form + more };
}

/** Printable ASCII: what an HTTP header or a URL can carry. */
function isHeaderValue(text: string): boolean {
  return /^[\u0021-\u007e]+$/.test(text);
}

function isHttpUrl(url: URL): boolean {
  return url.protocol === "https:" || url.protocol === "http:";
}

function isSafeForFunctions(url: URL): boolean {
  return isSafeAddress(url, isThisMachine);
}

/** An empty variable, such as `NAME=` in an env file, counts as not set. */
function read(lookup: Lookup, name: string): string | undefined {
  return lookup(name)?.trim() || undefined;
}
