/** The local stack: both projects on this machine, each in a process of its own, seeded, with its keys in `stack.json`. */

import { type Child, StackError, startChild } from "./child.ts";
import { generateKeys, readKeys, type SeededOrganization, type StackKeys, writeSecretJson } from "./keys.ts";
import { migrate } from "./migrations.ts";
import { type Cluster, databaseUrl, prepareCluster, withConnection } from "./postgres.ts";
import type { PostgresConfig } from "./postgres_server.ts";
import type { ProjectConfig } from "./project_server.ts";
import { type ProjectName, projectUrl } from "./projects.ts";
import { seed } from "./seed.ts";

export interface StackOptions {
  engine: "pglite" | "postgres";
  dataDir: string;
  hubPort: number;
  vaultPort: number;
  /** Delete the engine's data and keys first. */
  fresh: boolean;
  /** Variables of the projects that win over the stack's own. */
  environment: Record<string, string>;
  /** Where the projects' request logs go; standard output when absent. */
  logPath?: string;
  onProgress: (step: string) => void;
}

export interface ProjectAddress {
  url: string;
  secret_key: string;
  publishable_key: string;
  /** For psql; null on PGlite, which has no port. */
  database_url: string | null;
}

/** What `stack.json` holds. */
export interface StackFile {
  governance_hub: ProjectAddress;
  key_vault_executor: ProjectAddress;
  organizations: SeededOrganization[];
  kernel_hmac_secret: string;
  credential_encryption_key: string;
}

export interface Stack {
  readonly file: StackFile;
  /** Where the file is. */
  readonly path: string;
  /** Settles when one of the stack's processes has ended by itself. */
  readonly broken: Promise<string>;
  stop(): Promise<void>;
}

/** Variables of the projects that the environment of `deno task start` may set. */
export const OVERRIDABLE = [
  "KERNEL_HMAC_SECRET",
  "REPO_B_URL",
  "REPO_B_SERVICE_KEY",
  "REPO_B_ANON_KEY",
  "CREDENTIAL_ENCRYPTION_KEY",
  "CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS",
];

/** How long a process may take until it answers, in milliseconds. */
const START_MS = 60_000;

const DATABASES = { "governance-hub": "governance_hub", "key-vault-executor": "key_vault_executor" } as const;

interface Started {
  cluster?: Child;
  projects: Child[];
}

/** Starts everything and waits until both projects answer. @throws {StackError} after having stopped what had started. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const started: Started = { projects: [] };
  const dataDir = await prepareDataDir(options.dataDir);
  const lock = await takeLock(dataDir);
  const path = `${dataDir}/stack.json`;
  const stop = async () => {
    await Promise.all(started.projects.map((project) => project.stop()));
    // Last, so that what the projects still do can finish.
    await started.cluster?.stop();
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
  const keysPath = `${folder}/keys.json`;
  const keys = await prepareKeys(options, folder, keysPath);
  const cluster = options.engine === "postgres" ? await bringUpCluster(options, folder, keys, started) : undefined;

  options.onProgress("starting both projects");
  const token = crypto.randomUUID();
  const hub = await startProject("governance-hub", options, keys, folder, cluster, token);
  const vault = await startProject("key-vault-executor", options, keys, folder, cluster, token);
  started.projects.push(hub, vault);
  const file = describe(options, keys, cluster);
  await Promise.all([
    untilReady(hub, () => answers(file.governance_hub.url, token)),
    untilReady(vault, () => answers(file.key_vault_executor.url, token)),
  ]);

  if (keys.organizations === undefined) {
    options.onProgress("seeding organizations, tenants and keys");
    const secret = options.environment.KERNEL_HMAC_SECRET ?? keys.kernel_hmac_secret;
    keys.organizations = await seed(file.governance_hub, secret);
    await writeSecretJson(keysPath, keys);
  }
  return { ...file, organizations: keys.organizations };
}

/** The keys of the last start, or new ones in an empty folder. */
async function prepareKeys({ fresh, engine }: StackOptions, folder: string, keysPath: string): Promise<StackKeys> {
  const kept = fresh ? undefined : await readKeys(keysPath).catch(() => {
    throw new StackError(`${keysPath} cannot be read; begin anew with --fresh`);
  });
  // Without organizations an earlier start did not end, and there is nothing to lose.
  if (kept?.organizations !== undefined) return kept;
  await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
  // The user that PostgreSQL runs as has to pass through it.
  await Deno.mkdir(folder, { mode: engine === "postgres" ? 0o711 : 0o700 });
  const keys = generateKeys();
  await writeSecretJson(keysPath, keys);
  return keys;
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
  // One after the other: the two databases share the cluster's roles, which both migrations make.
  for (const project of ["governance-hub", "key-vault-executor"] as const) {
    const url = databaseUrl(cluster, "postgres", DATABASES[project]);
    await withConnection(url, (run) => migrate(run, projectUrl(project, "migrations/")));
  }
  return cluster;
}

function startCluster(folder: string, { port, password }: Cluster): Promise<Child> {
  const config: PostgresConfig = { folder, port, password, settings: [] };
  return startChild("PostgreSQL", new URL("postgres_server.ts", import.meta.url), config, {});
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
    }),
    ...options.environment,
  };
  return startChild(project, new URL("project_server.ts", import.meta.url), config, environment, options.logPath);
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
  };
}

/** Tries until it succeeds. @throws {StackError} when the process ends first (and has told why), or takes too long. */
export async function untilReady(child: Child, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + START_MS;
  let hasEnded = false;
  child.ended.then(() => hasEnded = true);
  while (true) {
    try {
      return void await attempt();
    } catch (error) {
      if (hasEnded) throw new StackError();
      if (Date.now() > deadline) throw new StackError(`${child.name} did not answer in ${START_MS / 1000} s: ${error}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function answers(url: string, token: string): Promise<void> {
  const text = await (await fetch(`${url}/ready`)).text();
  if (text !== token) throw new Error("another server answers there, or it is still starting");
}

async function prepareDataDir(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.realPath(folder);
  } catch (error) {
    throw new StackError(`the data folder ${folder} cannot be made: ${error instanceof Error ? error.message : error}`);
  }
}

/** A lock that ends with this process, however that ends. */
async function takeLock(dataDir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new StackError(`a stack is running in ${dataDir} already; stop it, or choose another folder with --data-dir`);
}

/** A port that nothing listens on now. */
export function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
