/** The variables of the stack's processes: the stack's own, and in their place those that the user has set. */

import { VARIABLES as EXECUTOR_VARIABLES } from "key-vault-executor/executor/settings.ts";
import { PGLITE_URL } from "./data_api/data_api.ts";
import type { StackKeys } from "./data/keys.ts";
import { type Cluster, databaseUrl } from "./postgres/cluster.ts";
import { DATABASES, type ProjectName } from "./projects.ts";
import type { StackOptions } from "./stack.ts";

const PROJECT_VARIABLES = [
  "KERNEL_HMAC_SECRET",
  "DATABASE_URL",
  "DATABASE_CA",
  "REPO_B_DATABASE_URL",
  "REPO_B_DATABASE_CA",
  "REPO_B_URL",
  "REPO_B_SERVICE_KEY",
  "REPO_B_ANON_KEY",
  "CREDENTIAL_ENCRYPTION_KEY",
  "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS",
  "DECISION_SIGNING_KEY",
  "DECISION_VERIFY_KEYS",
  "EXECUTOR_URLS",
  "VAULT_URL",
];

/** Those that an option of `start` or the stack itself decides. */
const DECIDED = ["EXECUTOR_HOST", "EXECUTOR_PORT"];

const EXECUTOR_NAMES = EXECUTOR_VARIABLES.map(({ name }) => name).filter((name) => !DECIDED.includes(name));

/** The variables that users may set for `deno task start`. */
export const OVERRIDABLE: readonly string[] = [...new Set([...PROJECT_VARIABLES, ...EXECUTOR_NAMES])];

export function projectEnvironment(
  project: ProjectName,
  options: StackOptions,
  keys: StackKeys,
  cluster: Cluster | undefined,
): Record<string, string> {
  const isHub = project === "governance-hub";
  const [hubUrl, vaultUrl] = [urlOf(options.hubPort), urlOf(options.vaultPort)];
  return {
    SUPABASE_URL: isHub ? hubUrl : vaultUrl,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys[DATABASES[project]].secret_key }),
    KERNEL_HMAC_SECRET: keys.kernel_hmac_secret,
    ...(isHub && {
      VAULT_URL: vaultUrl,
      // The hub takes both or neither.
      ...((options.executor || options.environment.EXECUTOR_URLS) && {
        DECISION_SIGNING_KEY: keys.decision_signing_key,
      }),
      ...(options.executor && { EXECUTOR_URLS: urlOf(options.executor.port) }),
    }),
    ...(!isHub && {
      REPO_B_URL: hubUrl,
      REPO_B_SERVICE_KEY: keys.governance_hub.secret_key,
      REPO_B_ANON_KEY: keys.governance_hub.publishable_key,
      CREDENTIAL_ENCRYPTION_KEY: keys.credential_encryption_key,
      DECISION_VERIFY_KEYS: keys.decision_verify_keys,
    }),
    ...(!options.dataApi && directAccess(options, project, cluster)),
    ...pick(options.environment, PROJECT_VARIABLES),
  };
}

/** No key of the projects is among them: servers are its children. */
export function executorEnvironment(
  { executor, vaultPort, environment }: StackOptions,
  keys: StackKeys,
  dataDir: string,
): Record<string, string> {
  return {
    DECISION_VERIFY_KEYS: keys.decision_verify_keys,
    VAULT_URL: urlOf(vaultPort),
    EXECUTOR_KEY: keys.executor_keys?.join(",") ?? "",
    EXECUTOR_INSTALL: "on-use",
    EXECUTOR_SERVERS: `${dataDir}/servers`,
    EXECUTOR_PACKAGES: `${dataDir}/packages`,
    ...pick(environment, EXECUTOR_NAMES),
    EXECUTOR_PORT: String(executor?.port),
  };
}

/** How functions reach their databases without the data API. A vault on PGlite asks the hub's, which is in another process. */
function directAccess(
  { environment }: StackOptions,
  project: ProjectName,
  cluster: Cluster | undefined,
): Record<string, string> {
  if (cluster === undefined) return { DATABASE_URL: PGLITE_URL };
  const urlOf = (name: ProjectName) => databaseUrl(cluster, "function_caller", DATABASES[name]);
  // A hub that the environment names is another one.
  const isOwnHub = !Object.keys(environment).some((name) => name.startsWith("REPO_B_"));
  return {
    DATABASE_URL: urlOf(project),
    ...(project === "key-vault-executor" && isOwnHub && { REPO_B_DATABASE_URL: urlOf("governance-hub") }),
  };
}

function pick(environment: Record<string, string>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => names.includes(name)));
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}`;
}
