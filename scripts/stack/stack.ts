/** The local stack: both projects on this machine, each in its own process, seeded, with their keys in `stack.json`. */

import { type Child, GRACE_MS, startChild } from "./child.ts";
import { prepareDataDir, prepareKeys, takeLock } from "./data_dir.ts";
import { PGLITE_URL } from "./data_api/data_api.ts";
import { type StackKeys, writeSecretJson } from "./keys.ts";
import { migrate } from "./migrations.ts";
import { type Cluster, databaseUrl, prepareCluster, withConnection } from "./postgres/cluster.ts";
import type { PostgresConfig } from "./postgres/server.ts";
import type { ProjectConfig } from "./project_server.ts";
import { DATABASES, type ProjectName, projectUrl } from "./projects.ts";
import { answers, freePort, untilReady } from "./ready.ts";
import { seed } from "./seed.ts";
import type { StackFile } from "./stack_file.ts";

export interface StackOptions {
  engine: "pglite" | "postgres";
  dataDir: string;
  hubPort: number;
  vaultPort: number;
  /** Whether to delete the engine's data and keys first. */
  fresh: boolean;
  /** True: the functions call the data API, as on Supabase without DATABASE_URL. Otherwise they call the database. */
  dataApi?: boolean;
  /** Variables of the projects that override the stack's own. */
  environment: Record<string, string>;
  /** The file for the projects' request logs. They go to standard output when absent. */
  logPath?: string;
  onProgress: (step: string) => void;
}

export interface Stack {
  readonly file: StackFile;
  /** The path of the file. */
  readonly path: string;
  /** Settles with the name of the first process that ends. */
  readonly broken: Promise<string>;
  stop(): Promise<void>;
}

/** Variables of the projects that users may set for `deno task start`. */
export const OVERRIDABLE = [
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
  "DECISION_VERIFY_KEYS",
];

interface Started {
  cluster?: Child;
  projects: Child[];
}

/** Starts everything and waits until both projects answer. On failure, stops all processes. @throws {CliError} */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Started = { projects: [] };
  const dataDir = await prepareDataDir(options.dataDir);
  const lock = await takeLock(dataDir);
  const path = `${dataDir}/stack.json`;
  const stop = async () => {
    // All processes share one deadline: on a busy machine, consecutive ones would take too long.
    const deadline = performance.now() + GRACE_MS;
    await Promise.all(started.projects.map((project) => project.stop(GRACE_MS / 2)));
    // The database stops last, so that the projects can finish their work.
    await started.cluster?.stop(deadline - performance.now());
    await Deno.remove(path).catch(() => {});
    lock.close();
  };
  try {
    const file = await bringUp(options, dataDir, started);
    await writeSecretJson(path, file);
    const children = started.cluster ? [started.cluster, ...started.projects] : started.projects;
    const broken = Promise.race(children.map((child) => child.ended.then(() => child.name)));
    return { file, path, broken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function bringUp(options: StackOptions, dataDir: string, started: Started): Promise<StackFile> {
  const folder = `${dataDir}/${options.engine}`;
  const keys = await prepareKeys(options.fresh, options.engine, folder);
  const cluster = options.engine === "postgres" ? await bringUpCluster(options, folder, keys, started) : undefined;

  options.onProgress("starting both projects");
  const token = crypto.randomUUID();
  const hub = await startProject("governance-hub", options, keys, folder, cluster, token);
  started.projects.push(hub);
  const vault = await startProject("key-vault-executor", options, keys, folder, cluster, token);
  started.projects.push(vault);
  const file = describe(options, keys, cluster);
  await Promise.all([
    untilReady(hub, () => answers(file.governance_hub.url, token)),
    untilReady(vault, () => answers(file.key_vault_executor.url, token)),
  ]);

  if (keys.organizations === undefined) {
    options.onProgress("seeding organizations, tenants and keys");
    const secret = options.environment.KERNEL_HMAC_SECRET ?? keys.kernel_hmac_secret;
    keys.organizations = await seed(file.governance_hub, secret);
    await writeSecretJson(`${folder}/keys.json`, keys);
  }
  return { ...file, organizations: keys.organizations };
}

async function bringUpCluster(
  options: StackOptions,
  folder: string,
  keys: StackKeys,
  started: Started,
): Promise<Cluster> {
  options.onProgress("starting PostgreSQL 17");
  const cluster = { port: freePort(), password: keys.database_password };
  started.cluster = await startCluster(`${folder}/cluster`, cluster);
  await untilReady(started.cluster, () => prepareCluster(cluster));
  options.onProgress("applying migrations");
  // Not in parallel: both migrations create the roles that the databases share.
  for (const project of ["governance-hub", "key-vault-executor"] as const) {
    const url = databaseUrl(cluster, "postgres", DATABASES[project]);
    await withConnection(url, (run) => migrate(run, projectUrl(project, "migrations/")));
  }
  const url = databaseUrl(cluster, "postgres", "postgres");
  await withConnection(url, (run) => run(`alter role function_caller password '${cluster.password}'`));
  return cluster;
}

function startCluster(folder: string, { port, password }: Cluster): Promise<Child> {
  const config: PostgresConfig = { folder, port, password, settings: [] };
  return startChild("PostgreSQL", new URL("postgres/server.ts", import.meta.url), config, {});
}

function startProject(
  project: ProjectName,
  options: StackOptions,
  keys: StackKeys,
  folder: string,
  cluster: Cluster | undefined,
  readyToken: string,
): Promise<Child> {
  const isHub = project === "governance-hub";
  const database = DATABASES[project];
  const config: ProjectConfig = {
    project,
    port: isHub ? options.hubPort : options.vaultPort,
    portOption: isHub ? "--hub-port" : "--vault-port",
    keys: keys[database],
    readyToken,
    database: cluster
      ? { kind: "postgres", url: databaseUrl(cluster, "authenticator", database) }
      : { kind: "pglite", folder: `${folder}/${database}` },
  };
  const hubUrl = `http://127.0.0.1:${options.hubPort}`;
  const environment: Record<string, string> = {
    SUPABASE_URL: `http://127.0.0.1:${config.port}`,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: config.keys.secret_key }),
    KERNEL_HMAC_SECRET: keys.kernel_hmac_secret,
    ...(!isHub && {
      REPO_B_URL: hubUrl,
      REPO_B_SERVICE_KEY: keys.governance_hub.secret_key,
      REPO_B_ANON_KEY: keys.governance_hub.publishable_key,
      CREDENTIAL_ENCRYPTION_KEY: keys.credential_encryption_key,
      DECISION_VERIFY_KEYS: keys.decision_verify_keys,
    }),
    ...(!options.dataApi && directAccess(options, project, cluster)),
    ...options.environment,
  };
  return startChild(project, new URL("project_server.ts", import.meta.url), config, environment, options.logPath);
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

function describe(options: StackOptions, keys: StackKeys, cluster: Cluster | undefined): StackFile {
  const address = (name: "governance_hub" | "key_vault_executor", port: number) => ({
    url: `http://127.0.0.1:${port}`,
    ...keys[name],
    database_url: cluster ? databaseUrl(cluster, "postgres", name) : null,
  });
  return {
    governance_hub: address("governance_hub", options.hubPort),
    key_vault_executor: address("key_vault_executor", options.vaultPort),
    organizations: [],
    kernel_hmac_secret: options.environment.KERNEL_HMAC_SECRET ?? keys.kernel_hmac_secret,
    credential_encryption_key: options.environment.CREDENTIAL_ENCRYPTION_KEY ?? keys.credential_encryption_key,
    decision_signing_key: keys.decision_signing_key,
    decision_verify_keys: options.environment.DECISION_VERIFY_KEYS ?? keys.decision_verify_keys,
  };
}
