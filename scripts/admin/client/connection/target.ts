/** Finds the projects that a command acts on: those of the environment, else those of the local stack. */

import * as z from "zod/mini";
import { importSigningKey, type SigningKey } from "shared/decision/decision_keys.ts";
import { isSafeAddress } from "shared/loopback.ts";
import { CliError } from "../../../cli/error.ts";
import type { ProjectAccess } from "./call.ts";

export interface Target {
  hub: ProjectAccess;
  vault(): ProjectAccess;
  kernelHmacSecret(): string;
  /** Where the Executors are. Empty if no variable and no stack says so. */
  executorUrls(): string[];
  /** The hub's private key. Only an operator who holds it can ask an Executor for its servers. */
  signingKey(): SigningKey;
  /** The local stack's current key. Absent for hosted projects, which do not reveal their keys. */
  encryptionKey?: string;
}

const project = z.object({ url: z.string(), secret_key: z.string() });
const stackFile = z.object({
  governance_hub: project,
  key_vault_executor: project,
  kernel_hmac_secret: z.string(),
  credential_encryption_key: z.string(),
  executor: z.nullish(z.object({ url: z.string() })),
  decision_signing_key: z.optional(z.string()),
});

/** @throws {CliError} that names the missing or malformed variable or file. */
export async function readTarget(stackPath: string): Promise<Target> {
  return read("HUB_URL") === undefined ? await localTarget(stackPath) : hostedTarget();
}

function hostedTarget(): Target {
  return {
    hub: hostedProject("governance-hub", "HUB"),
    vault: () => hostedProject("key-vault-executor", "VAULT"),
    kernelHmacSecret() {
      const secret = read("KERNEL_HMAC_SECRET");
      if (secret === undefined) {
        throw new CliError("to issue a kernel's key, set KERNEL_HMAC_SECRET to the same value as in both projects");
      }
      return secret;
    },
    executorUrls: () => readExecutorUrls() ?? [],
    signingKey: () => readSigningKey(undefined),
  };
}

/** Undefined if the variable is not set. @throws {CliError} */
export function readExecutorUrls(text = read("EXECUTOR_URLS")): string[] | undefined {
  return text?.split(",").map((url) => readUrl("EXECUTOR_URLS", url.trim(), "https://executor.example"));
}

function readSigningKey(ofStack: string | undefined): SigningKey {
  const text = read("DECISION_SIGNING_KEY") ?? ofStack;
  if (text === undefined) throw new CliError("set DECISION_SIGNING_KEY to the hub's: Executors answer nobody else");
  const key = importSigningKey(text);
  if (key !== undefined) return key;
  throw new CliError("DECISION_SIGNING_KEY is malformed: it must be 43 characters of base64url");
}

function hostedProject(name: string, prefix: "HUB" | "VAULT"): ProjectAccess {
  const [urlName, keyName] = [`${prefix}_URL`, `${prefix}_SECRET_KEY`];
  const [url, secretKey] = [read(urlName), read(keyName)];
  if (url === undefined) throw new CliError(`HUB_URL is set, so set ${urlName} too: the address of ${name}`);
  if (secretKey === undefined) throw new CliError(`HUB_URL is set, so set ${keyName} too: the secret key of ${name}`);
  if (!/^[\u0021-\u007e]+$/.test(secretKey)) throw new CliError(`${keyName} is malformed: it must be a secret key`);
  return { url: readUrl(urlName, url), secret_key: secretKey, name, origin: `${urlName} and ${keyName}` };
}

/** The address without trailing slashes. It receives a secret, so plain http is allowed only on this machine. */
function readUrl(name: string, text: string, like = "https://<ref>.supabase.co"): string {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (isSafeAddress(url)) return url.origin + url.pathname.replace(/\/+$/, "");
  }
  throw new CliError(`${name} must be an https:// address (http:// on this machine), like ${like}`);
}

async function localTarget(path: string): Promise<Target> {
  const stack = await readStackFile(path);
  const origin = `that the stack of ${path} is running (deno task start)`;
  return {
    hub: { ...stack.governance_hub, name: "governance-hub", origin },
    vault: () => ({ ...stack.key_vault_executor, name: "key-vault-executor", origin }),
    kernelHmacSecret: () => stack.kernel_hmac_secret,
    executorUrls: () => readExecutorUrls() ?? (stack.executor ? [stack.executor.url] : []),
    signingKey: () => readSigningKey(stack.decision_signing_key),
    encryptionKey: stack.credential_encryption_key,
  };
}

async function readStackFile(path: string): Promise<z.output<typeof stackFile>> {
  const text = await Deno.readTextFile(path).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw new CliError(`${path} cannot be read: ${error.message}`);
    const otherwise = "or set HUB_URL, HUB_SECRET_KEY, VAULT_URL and VAULT_SECRET_KEY for hosted projects";
    throw new CliError(`no stack is running: there is no ${path}; run deno task start, ${otherwise}`);
  });
  try {
    return stackFile.parse(JSON.parse(text));
  } catch {
    throw new CliError(`${path} is not a stack.json of deno task start`);
  }
}

/** Treats an empty variable as not set. */
function read(name: string): string | undefined {
  return Deno.env.get(name)?.trim() || undefined;
}
