/** `executor-keys` and `executor-keys rotate`: the keys between the hub, the vault and Executors. */

import type { Command } from "commander";
import { makeDecisionKeys, verifyKeyOf } from "shared/decision/decision_keys.ts";
import { CliError } from "../../../cli/error.ts";
import { print } from "../../../cli/output.ts";
import { readEnvFile } from "../../../deploy/check_config.ts";
import { findOrganization } from "../../client/find.ts";
import type { Organization } from "../../client/hub.ts";
import { type HubOperator, type IssuedKey, revokeKernel } from "../../client/operator.ts";
import { readExecutorUrls } from "../../client/connection/target.ts";
import { issueUsableKernel } from "../../client/usable_kernel.ts";
import { example, readContext, readJsonOption } from "../../command.ts";
import { readExpiry } from "./expiry.ts";

const HELP = `
It makes the pair of keys of decisions, and for each organization a kernel's key with the scope credentials:use only.
It prints, to standard output, which variable goes where. Nothing keeps the keys: no later command can show them.
For one more Executor, name the hub's file with --env-file: the pair that it has is kept.`;

const ROTATE_HELP = `
It makes a new pair and prints the three steps in which it replaces the hub's. No call is refused meanwhile: Executors
and the vault know both keys before the hub signs with the new one, and forget the old one when its last decision
has ended.`;

const SCOPE = "credentials:use";

interface ExecutorKeysOptions {
  envFile?: string;
  expires?: string;
  executorUrls?: string;
}

interface IssuedFor extends IssuedKey {
  organization: Organization;
}

export function addExecutorKeysCommand(program: Command): void {
  const group = program.command("executor-keys").description("make the keys of an Executor, and say where each goes")
    .helpCommand(false)
    .argument("<organization...>", "whose tenants' servers it runs: ids or names")
    .option("--env-file <file>", "keep the DECISION_SIGNING_KEY that this file of the hub has, if it has one")
    .option("--expires <when>", "of the Executor's own keys: 90d, 12h, 2027-01-01 (default: never)")
    .option("--executor-urls <urls>", "the Executors' addresses, comma-separated")
    .addHelpText("after", HELP + "\n" + example("executor-keys acme --executor-urls https://executor.example"))
    .action((organizations: string[], options: ExecutorKeysOptions, command: Command) =>
      make(organizations, options, command)
    );
  group.command("rotate").description("make the keys and the steps to replace the hub's signing key")
    .option("--env-file <file>", "where the hub's DECISION_SIGNING_KEY is (default: the environment)")
    .addHelpText("after", ROTATE_HELP + "\n" + example("executor-keys rotate --env-file governance-hub/.env"))
    .action((_options: unknown, command: Command) => rotate(command));
}

async function make(references: string[], options: ExecutorKeysOptions, command: Command): Promise<void> {
  const expires = options.expires === undefined ? {} : { expires_at: readExpiry(options.expires, new Date()) };
  const { json, target } = await readContext(command);
  const urls = readExecutorUrls(options.executorUrls) ?? target.executorUrls();
  const { signingKey, verifyKey } = await keptPair(options.envFile) ?? await makeDecisionKeys();
  const secret = target.kernelHmacSecret();
  const organizations = await Promise.all([...new Set(references)].map((each) => findOrganization(target.hub, each)));
  const keyOptions = { name: "executor", scopes: [SCOPE], ...expires };
  const issued = await issueAll(target.hub, secret, organizations, keyOptions);
  const vaultUrl = target.vault().url;
  const hub = { DECISION_SIGNING_KEY: signingKey, EXECUTOR_URLS: urls.join(","), VAULT_URL: vaultUrl };
  const vault = { DECISION_VERIFY_KEYS: verifyKey };
  const executor = { ...vault, VAULT_URL: vaultUrl, EXECUTOR_KEY: issued.map(({ key }) => key).join(",") };
  const keys = issued.map(({ id, organization }) => ({ id, organization_id: organization.id, scopes: [SCOPE] }));
  print(json, { hub, vault, executor, keys }, [
    "# governance-hub/.env: the private key. Whoever has it can call every tenant's tools.",
    ...linesOf(hub, { EXECUTOR_URLS: "https://… (where the hub reaches your Executors, comma-separated)" }),
    "",
    "# key-vault-executor/.env",
    ...linesOf(vault),
    "",
    "# The Executor's environment, readable by its user only.",
    ...linesOf(executor),
    "",
    ...issued.map(({ id, organization }) => `# ${organization.name}: kernel ${id}, scope ${SCOPE}`),
    "# Store these keys now: they are not shown again.",
  ]);
}

/** Issues all keys or no key: nobody would know of those that were not printed. */
async function issueAll(
  hub: HubOperator,
  secret: string,
  organizations: Organization[],
  options: Parameters<typeof issueUsableKernel>[3],
): Promise<IssuedFor[]> {
  const issued: IssuedFor[] = [];
  try {
    for (const organization of organizations) {
      issued.push({ ...await issueUsableKernel(hub, secret, organization, options), organization });
    }
    return issued;
  } catch (error) {
    for (const { id } of issued) await revokeKernel(hub, id).catch(() => {});
    throw error;
  }
}

async function keptPair(envFile: string | undefined) {
  const signingKey = envFile && (await readEnvFile(envFile))("DECISION_SIGNING_KEY")?.trim();
  return signingKey ? { signingKey, verifyKey: await requireVerifyKey(signingKey) } : undefined;
}

async function rotate(command: Command): Promise<void> {
  // The command above has the same option, and commander gives the value to it.
  const { envFile } = command.optsWithGlobals<ExecutorKeysOptions>();
  const lookup = envFile === undefined ? (name: string) => Deno.env.get(name) : await readEnvFile(envFile);
  const current = lookup("DECISION_SIGNING_KEY")?.trim();
  if (!current) {
    throw new CliError(
      `${envFile ?? "the environment"} has no DECISION_SIGNING_KEY: name the hub's file with --env-file`,
    );
  }
  const old = await requireVerifyKey(current);
  const { signingKey, verifyKey } = await makeDecisionKeys();
  const steps = [
    { where: "vault and Executors", set: { DECISION_VERIFY_KEYS: `${verifyKey},${old}` } },
    { where: "hub", set: { DECISION_SIGNING_KEY: signingKey } },
    { where: "vault and Executors", set: { DECISION_VERIFY_KEYS: verifyKey } },
  ];
  const [first, second, third] = steps.map(({ set }) => linesOf(set));
  print(readJsonOption(command), { steps }, [
    "# 1. In the vault's environment and each Executor's. Set the vault's secrets, and restart one Executor after the other.",
    ...first ?? [],
    "",
    "# 2. When all of them have it, in the hub's environment. Set the hub's secrets.",
    ...second ?? [],
    "",
    "# 3. Two minutes later, when no function with the old key runs any more, in the vault's and each Executor's, as in 1.",
    ...third ?? [],
  ]);
}

async function requireVerifyKey(signingKey: string): Promise<string> {
  const key = await verifyKeyOf(signingKey);
  if (key !== undefined) return key;
  throw new CliError("DECISION_SIGNING_KEY is malformed: it must be 43 characters of base64url");
}

/** As an env file has them. A variable that only the operator knows is a comment. */
function linesOf(variables: Record<string, string>, hints: Record<string, string> = {}): string[] {
  return Object.entries(variables).map(([name, value]) =>
    value === "" ? `# ${name}=${hints[name]}` : `${name}=${value}`
  );
}
