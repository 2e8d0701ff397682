/** The local stack: both projects on this machine, each in its own process, seeded, with their keys in `stack.json`. */

import { type Child, GRACE_MS, startChild } from "./child.ts";
import { prepareDataDir, prepareKeys, takeLock } from "./data/data_dir.ts";
import { executorEnvironment, projectEnvironment } from "./environments.ts";
import { type LocalExecutor, startExecutor } from "./executor/executor.ts";
import { type StackKeys, writeSecretJson } from "./data/keys.ts";
import { requireFreePort } from "./listen.ts";
import { migrate } from "./project/migrations.ts";
import { type Cluster, databaseUrl, prepareCluster, withConnection } from "./postgres/cluster.ts";
import type { PostgresConfig } from "./postgres/server.ts";
import type { ProjectConfig } from "./project/server.ts";
import { DATABASES, type ProjectName, projectUrl } from "./projects.ts";
import { answers, freePort, untilReady } from "./ready.ts";
import { issueExecutorKeys, seed } from "./data/seed.ts";
import type { StackFile } from "./data/stack_file.ts";

export interface StackOptions {
  engine: "pglite" | "postgres";
  dataDir: string;
  hubPort: number;
  vaultPort: number;
  /** Absent: no Executor, and the gateway has no tools but the hub's own. */
  executor?: { port: number; sandbox: boolean } | undefined;
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
  /** Why servers run without a sandbox. */
  readonly sandboxFault: string | undefined;
  /** Settles with the name of the first process that ends. The Executor does not count: it starts again. */
  readonly broken: Promise<string>;
  stop(): Promise<void>;
}

interface Started {
  cluster?: Child;
  projects: Child[];
  executor?: LocalExecutor;
}

/** Starts everything and waits until both projects answer. On failure, stops all processes. @throws {CliError} */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Started = { projects: [] };
  const dataDir = await prepareDataDir(options.dataDir);
  const lock = await takeLock(dataDir);
  const path = `${dataDir}/stack.json`;
  const stop = async () => {
    await Promise.all([started.executor?.stop(GRACE_MS), stopProjects(started)]);
    await Deno.remove(path).catch(() => {});
    lock.close();
  };
  try {
    requireFreePorts(options);
    const file = await bringUp(options, dataDir, started);
    await writeSecretJson(path, file);
    const children = started.cluster ? [started.cluster, ...started.projects] : started.projects;
    const broken = Promise.race(children.map((child) => child.ended.then(() => child.name)));
    return { file, path, sandboxFault: started.executor?.sandboxFault, broken, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function requireFreePorts({ hubPort, vaultPort, executor }: StackOptions): void {
  requireFreePort(hubPort, "--hub-port");
  requireFreePort(vaultPort, "--vault-port");
  if (executor) requireFreePort(executor.port, "--executor-port");
}

async function stopProjects({ projects, cluster }: Started): Promise<void> {
  // All processes share one deadline: on a busy machine, consecutive ones would take too long.
  const deadline = performance.now() + GRACE_MS;
  await Promise.all(projects.map((project) => project.stop(GRACE_MS / 2)));
  // The database stops last, so that the projects can finish their work.
  await cluster?.stop(deadline - performance.now());
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
  const file = describe(options, dataDir, keys, cluster);
  await Promise.all([
    untilReady(hub, () => answers(file.governance_hub.url, token)),
    untilReady(vault, () => answers(file.key_vault_executor.url, token)),
  ]);

  if (keys.organizations === undefined) {
    options.onProgress("seeding organizations, tenants and keys");
    keys.organizations = await seed(file.governance_hub, file.kernel_hmac_secret);
    await writeSecretJson(`${folder}/keys.json`, keys);
  }
  if (options.executor) {
    options.onProgress("starting the Executor");
    if (keys.executor_keys === undefined) {
      keys.executor_keys = await issueExecutorKeys(file.governance_hub, file.kernel_hmac_secret, keys.organizations);
      await writeSecretJson(`${folder}/keys.json`, keys);
    }
    const environment = executorEnvironment(options, keys, dataDir);
    started.executor = await startExecutor({ ...options.executor, environment, logPath: options.logPath });
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
    keys: keys[database],
    readyToken,
    database: cluster
      ? { kind: "postgres", url: databaseUrl(cluster, "authenticator", database) }
      : { kind: "pglite", folder: `${folder}/${database}` },
  };
  const environment = projectEnvironment(project, options, keys, cluster);
  return startChild(project, new URL("project/server.ts", import.meta.url), config, environment, options.logPath);
}

function describe(options: StackOptions, dataDir: string, keys: StackKeys, cluster: Cluster | undefined): StackFile {
  const { executor, environment } = options;
  const address = (name: "governance_hub" | "key_vault_executor", port: number) => ({
    url: `http://127.0.0.1:${port}`,
    ...keys[name],
    database_url: cluster ? databaseUrl(cluster, "postgres", name) : null,
  });
  return {
    governance_hub: address("governance_hub", options.hubPort),
    key_vault_executor: address("key_vault_executor", options.vaultPort),
    gateway: { url: `http://127.0.0.1:${options.hubPort}/functions/v1/mcp` },
    executor: executor
      ? { url: `http://127.0.0.1:${executor.port}`, servers: environment.EXECUTOR_SERVERS ?? `${dataDir}/servers` }
      : null,
    organizations: [],
    kernel_hmac_secret: environment.KERNEL_HMAC_SECRET ?? keys.kernel_hmac_secret,
    credential_encryption_key: environment.CREDENTIAL_ENCRYPTION_KEY ?? keys.credential_encryption_key,
    decision_signing_key: environment.DECISION_SIGNING_KEY ?? keys.decision_signing_key,
    decision_verify_keys: environment.DECISION_VERIFY_KEYS ?? keys.decision_verify_keys,
  };
}
