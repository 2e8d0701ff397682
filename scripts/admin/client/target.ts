/** Finds the projects that a command acts on: those of the environment, else those of the local stack. */

import * as z from "zod/mini";
import { CliError } from "../../cli/error.ts";
import type { ProjectAccess } from "./call.ts";

export interface Target {
  hub: ProjectAccess;
  vault(): ProjectAccess;
  kernelHmacSecret(): string;
  /** The local stack's current key. Absent for hosted projects, which do not reveal their keys. */
  encryptionKey?: string;
}

const project = z.object({ url: z.string(), secret_key: z.string() });
const stackFile = z.object({
  governance_hub: project,
  key_vault_executor: project,
  kernel_hmac_secret: z.string(),
  credential_encryption_key: z.string(),
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
  };
}

function hostedProject(name: string, prefix: "HUB" | "VAULT"): ProjectAccess {
  const [urlName, keyName] = [`${prefix}_URL`, `${prefix}_SECRET_KEY`];
  const [url, secretKey] = [read(urlName), read(keyName)];
  if (url === undefined) throw new CliError(`HUB_URL is set, so set ${urlName} too: the address of ${name}`);
  if (secretKey === undefined) throw new CliError(`HUB_URL is set, so set ${keyName} too: the secret key of ${name}`);
  if (!/^[\u0021-\u007e]+$/.test(secretKey)) throw new CliError(`${keyName} is malformed: it must be a secret key`);
  return { url: readUrl(urlName, url), secret_key: secretKey, name, origin: `${urlName} and ${keyName}` };
}

/** The address without trailing slashes. It receives a secret key, so plain http is allowed only on this machine. */
function readUrl(name: string, text: string): string {
  if (URL.canParse(text)) {
    const { protocol, hostname, origin, pathname } = new URL(text);
    const isLoopback = /^(localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
    if (protocol === "https:" || (protocol === "http:" && isLoopback)) return origin + pathname.replace(/\/+$/, "");
  }
  throw new CliError(`${name} must be an https:// address (http:// on this machine), like https://<ref>.supabase.co`);
}

async function localTarget(path: string): Promise<Target> {
  const stack = await readStackFile(path);
  const origin = `that the stack of ${path} is running (deno task start)`;
  return {
    hub: { ...stack.governance_hub, name: "governance-hub", origin },
    vault: () => ({ ...stack.key_vault_executor, name: "key-vault-executor", origin }),
    kernelHmacSecret: () => stack.kernel_hmac_secret,
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
