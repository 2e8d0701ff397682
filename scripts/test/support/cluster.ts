/** Native PostgreSQL 17 for tests: throw-away clusters, with as many projects' databases as they need. */

import { type Child, startChild } from "../../stack/child.ts";
import { migrate, type RunSql } from "../../stack/project/migrations.ts";
import { type Cluster, databaseUrl, prepareCluster, type Role, withConnection } from "../../stack/postgres/cluster.ts";
import type { PostgresConfig } from "../../stack/postgres/server.ts";
import { removeDataFolder } from "../../stack/postgres/system_user.ts";
import { type ProjectName, projectUrl } from "../../stack/projects.ts";
import { freePort, untilReady } from "../../stack/ready.ts";

export interface ScratchCluster {
  /** The data folder: `cluster` below it is PostgreSQL's own. */
  folder: string;
  /** Variables by which {@linkcode openCluster} in another process finds it. */
  environment: Record<string, string>;
  url(role: Role, database: string): string;
  /** A new database without anything. Returns its name. */
  createDatabase(): Promise<string>;
  /** A new database with a project's migrations. Returns its name. */
  createProject(project: ProjectName, options?: ScratchOptions): Promise<string>;
  stop(): Promise<void>;
}

export interface ScratchOptions {
  /** Grant everything on all later objects to the platform's roles, as older Supabase projects do. */
  oldDefaultPrivileges?: boolean;
  /** The folder of migrations to apply in place of the project's own, with its `/` at the end. */
  migrations?: URL;
}

/** What older Supabase projects grant by default on everything that a migration creates. */
export const OLD_DEFAULT_PRIVILEGES = ["tables", "functions", "sequences"].map((kind) =>
  `alter default privileges in schema public grant all on ${kind} to anon, authenticated, service_role;`
).join("\n");

/** Names a cluster that several test files share, as JSON: starting one takes longer than most of them. */
const SHARED = "TEST_CLUSTER";

interface StartedCluster extends Cluster {
  folder: string;
}

/** The shared cluster, which stop() here does not stop, or a new one if there is none. */
export async function openCluster(): Promise<ScratchCluster> {
  const shared = Deno.env.get(SHARED);
  return shared ? { ...databasesOf(JSON.parse(shared)), stop: () => Promise.resolve() } : await startCluster();
}

/** Starts a cluster with fast settings. The given ones, as `name=value`, override them. */
export async function startCluster(settings: string[] = []): Promise<ScratchCluster> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o711);
  const cluster: Cluster = { port: freePort(), password: crypto.randomUUID() };
  const config: PostgresConfig = {
    folder: `${folder}/cluster`,
    ...cluster,
    settings: ["fsync=off", "max_connections=200", ...settings],
  };
  const script = new URL("../../stack/postgres/server.ts", import.meta.url);
  const child: Child = await startChild("PostgreSQL", script, config, {});
  await untilReady(child, () => prepareCluster(cluster));
  return {
    ...databasesOf({ folder, ...cluster }),
    async stop() {
      await child.stop();
      await removeDataFolder(config.folder);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function databasesOf(cluster: StartedCluster): Omit<ScratchCluster, "stop"> {
  const url = (role: Role, database: string) => databaseUrl(cluster, role, database);
  const asAdmin = <T>(work: (run: RunSql) => Promise<T>) => withConnection(url("supabase_admin", "postgres"), work);
  const createDatabase = async (template = "template1") => {
    const name = `scratch_${crypto.randomUUID().replaceAll("-", "")}`;
    await asAdmin((run) => run(`create database ${name} owner postgres template ${template}`));
    return name;
  };
  const migrated = async (project: ProjectName, { oldDefaultPrivileges, migrations }: ScratchOptions) => {
    const name = await createDatabase();
    await withConnection(url("postgres", name), async (run) => {
      if (oldDefaultPrivileges) await run(OLD_DEFAULT_PRIVILEGES);
      await migrate(run, migrations ?? projectUrl(project, "migrations/"));
    });
    return name;
  };
  return {
    folder: cluster.folder,
    environment: { [SHARED]: JSON.stringify(cluster) },
    url,
    createDatabase,
    async createProject(project, options = {}) {
      if (options.migrations) return await migrated(project, options);
      const template = `"template ${project}${options.oldDefaultPrivileges ? " with old privileges" : ""}"`;
      return await asAdmin(async (run) => {
        if ((await run(`select from pg_database where format('%I', datname) = '${template}'`)).length === 0) {
          await run(`alter database ${await migrated(project, options)} rename to ${template}`);
        }
        return await createDatabase(template);
      });
    },
  };
}
