/** Runs commands of `deno task admin` as a user does, on a stack. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import postgres from "postgres";
import config from "../../../../deno.json" with { type: "json" };
import { NEW_KEY, OLD_KEY, openAdminStack } from "./stack.ts";

export { NEW_KEY, OLD_KEY };

export const ADMIN = new URL("../../../admin/main.ts", import.meta.url).pathname;
export const PASSWORD = "a value that nobody prints";

const stack = await openAdminStack();
export const { governance_hub: hub, key_vault_executor: vault } = stack.file;
const [first, second] = stack.file.organizations;
assert(first !== undefined && second !== undefined);
export const [acme, globex] = [first, second];
export const hubSql = postgres(hub.database_url ?? "", { max: 1, onnotice: () => {} });
export const vaultSql = postgres(vault.database_url ?? "", { max: 1, onnotice: () => {} });
Deno.test.afterAll(async () => {
  await Promise.all([hubSql.end(), vaultSql.end()]);
  await stack.stop();
});

export const HOSTED = {
  HUB_URL: hub.url,
  HUB_SECRET_KEY: hub.secret_key,
  VAULT_URL: vault.url,
  VAULT_SECRET_KEY: vault.secret_key,
  KERNEL_HMAC_SECRET: stack.file.kernel_hmac_secret,
};
const OTHERS = [
  "CREDENTIAL_ENCRYPTION_KEY",
  "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS",
  "DECISION_SIGNING_KEY",
  "EXECUTOR_PACKAGES",
  "EXECUTOR_URLS",
];
export const UNSET = Object.fromEntries(
  [...Object.keys(HOSTED), ...OTHERS].map((
    name,
  ) => [name, ""]),
);

export interface Ran {
  code: number;
  out: string;
  err: string;
}

/** The output of all commands in this file. */
export const printed: string[] = [];

/** The arguments of `deno` in `deno task admin`, before the program's path. */
const [, ...DENO_ARGS] = config.tasks.admin.command.split(" ").slice(0, -1);
const COMMAND = [...DENO_ARGS, "--cached-only", ADMIN, "--stack", stack.path];

/** Runs the command that a user types, on the stack, without a terminal. */
export function adminProcess(words: string[], env: Record<string, string> = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [...COMMAND, ...words],
    env: { ...UNSET, NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

export async function admin(words: string[], env: Record<string, string> = {}): Promise<Ran> {
  return note(await adminProcess(words, env).output());
}

/** Runs the command on a terminal, which util-linux's `script` provides if it is installed. */
export function adminOnTerminal(words: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command("script", {
    args: ["-qec", [Deno.execPath(), ...COMMAND, ...words].join(" "), "/dev/null"],
    env: { ...UNSET, ...env },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

/** A command's output, which is also kept for {@linkcode assertNothingSecretPrinted}. */
export function note({ code, stdout, stderr }: Deno.CommandOutput): Ran {
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const ran = { code, out: out ?? "", err: err ?? "" };
  printed.push(ran.out, ran.err);
  return ran;
}

/** Runs a command that must succeed, and returns its output. */
export async function text(...words: string[]): Promise<string> {
  const { code, out, err } = await admin(words);
  assertEquals([code, err], [0, ""], words.join(" "));
  return out;
}

// deno-lint-ignore no-explicit-any -- tests compare answers of any form
export async function json(...words: string[]): Promise<any> {
  return JSON.parse(await text(...words, "--json"));
}

/** Runs a command that must fail, with one line on standard error and no standard output. Exits with 2 if mistyped. */
export async function fail(words: string[], expected: RegExp, env?: Record<string, string>): Promise<void> {
  const { code, out, err } = await admin(words, env);
  assertEquals([code, out], [/ --help\)\n$/.test(err) ? 2 : 1, ""], `${words.join(" ")}: ${err}`);
  assertMatch(err, /^error: [^\n]+\n$/, `${words.join(" ")}: ${err}`);
  assertMatch(err, expected, `${words.join(" ")}: ${err}`);
}

/** Sends a request with this key. */
export async function send(key: string, path: string, body?: unknown): Promise<Response> {
  const { url } = path.startsWith("credentials") ? vault : hub;
  return await fetch(`${url}/functions/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(key.startsWith("mcp_") ? { "x-api-key": key } : { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** Sends a request with this key, and returns its status. */
export async function request(key: string, path: string, body?: unknown): Promise<number> {
  const response = await send(key, path, body);
  await response.body?.cancel();
  return response.status;
}

export function server(serverId: string) {
  return {
    server_id: serverId,
    name: serverId,
    command: "npx",
    args: ["-y", "secret-arg"],
    tool_prefix: `${serverId}.`,
  };
}

export async function fill(key: string, name: string): Promise<void> {
  assertEquals(await request(key, "mcp-servers/register", server(name)), 201);
  const credential = { service: name, credentials: { password: PASSWORD } };
  assertEquals(await request(key, "credentials/store", credential), 201);
}

/** Creates an organization with a tenant and its key. */
export async function newTenant(name: string) {
  const organization = await json("organization", "create", `of-${name}`);
  const tenant = await json("tenant", "create", organization.id, name);
  const { key } = await json("api-key", "issue", tenant.id, "--name", "agent");
  return { id: tenant.id as string, name, organization: organization.name as string, key: key as string };
}

/** Asserts that no command printed a digest, a credential's value, a secret or a server's argument, or a key twice. */
export async function assertNothingSecretPrinted(): Promise<void> {
  const keys = await hubSql`
    select encode(key_sha256, 'hex') as hex, encode(key_sha256, 'base64') as base64 from public.api_keys
    union all select encode(key_hmac, 'hex'), encode(key_hmac, 'base64') from public.kernels`;
  const sealed = await vaultSql`
    select encode(encrypted_credentials, 'hex') as hex, encode(encrypted_credentials, 'base64') as base64
    from public.tenant_credentials limit 5000`;
  assert(keys.length > 0 && printed.length > 10);
  const secrets = [
    ...[...keys, ...sealed].flatMap(({ hex, base64 }) => [hex, base64.replaceAll("\n", "")]),
    ...["ab".repeat(40), "secret-arg", PASSWORD, NEW_KEY, OLD_KEY],
    ...Object.values(HOSTED).filter((value) => !value.startsWith("http")),
  ];
  const all = printed.join("\n");
  for (const secret of secrets) assert(!all.includes(secret), `${secret} was printed`);
  const issuedKeys = all.match(/(mcp|krn)_\w{49}/g) ?? [];
  assertEquals(new Set(issuedKeys).size, issuedKeys.length, "a key was shown twice");
}

/** Limits concurrency, because each is a process. */
export async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: 4 }, async () => {
    for (const item of rest) await work(item);
  }));
}
