/** Native PostgreSQL 17 for tests: a throw-away cluster, with as many projects' databases as they need. */

import { type Child, startChild } from "../../stack/child.ts";
import { migrate } from "../../stack/migrations.ts";
import { type Cluster, databaseUrl, prepareCluster, type Role, withConnection } from "../../stack/postgres.ts";
import type { PostgresConfig } from "../../stack/postgres_server.ts";
import { removeDataFolder } from "../../stack/postgres_user.ts";
import { type ProjectName, projectUrl } from "../../stack/projects.ts";
import { freePort, untilReady } from "../../stack/ready.ts";

export interface ScratchCluster {
  /** The data folder: `cluster` below it is PostgreSQL's own. */
  folder: string;
  url(role: Role, database: string): string;
  /** A new database without anything. Returns its name. */
  createDatabase(): Promise<string>;
  /** A new database with a project's migrations. Returns its name. */
  createProject(project: ProjectName, options?: ScratchOptions): Promise<string>;
  stop(): Promise<void>;
}

export interface ScratchOptions {
  /** Grant everything on all that is to come to the platform's roles, as older Supabase projects do. */
  oldDefaultPrivileges?: boolean;
  /** The folder of migrations to apply in place of the project's own, with its `/` at the end. */
  migrations?: URL;
}

const OLD_DEFAULT_PRIVILEGES = ["tables", "functions", "sequences"].map((kind) =>
  `alter default privileges in schema public grant all on ${kind} to anon, authenticated, service_role;`
).join("\n");

/** Starts a cluster whose settings, as `name=value`, are for speed but for those given. */
export async function startCluster(settings: string[] = []): Promise<ScratchCluster> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o711);
  const cluster: Cluster = { port: freePort(), password: crypto.randomUUID() };
  const config: PostgresConfig = {
    folder: `${folder}/cluster`,
    ...cluster,
    settings: ["fsync=off", "max_connections=200", ...settings],
  };
  const script = new URL("../../stack/postgres_server.ts", import.meta.url);
  const child: Child = await startChild("PostgreSQL", script, config, {});
  await untilReady(child, () => prepareCluster(cluster));
  const url = (role: Role, database: string) => databaseUrl(cluster, role, database);
  async function createDatabase(): Promise<string> {
    const name = `scratch_${crypto.randomUUID().replaceAll("-", "")}`;
    await withConnection(url("supabase_admin", "postgres"), (run) => run(`create database ${name} owner postgres`));
    return name;
  }
  return {
    folder,
    url,
    createDatabase,
    async createProject(
      project,
      { oldDefaultPrivileges = false, migrations = projectUrl(project, "migrations/") } = {},
    ) {
      const name = await createDatabase();
      await withConnection(url("postgres", name), async (run) => {
        if (oldDefaultPrivileges) await run(OLD_DEFAULT_PRIVILEGES);
        await migrate(run, migrations);
      });
      return name;
    },
    async stop() {
      await child.stop();
      await removeDataFolder(config.folder);
      await Deno.remove(folder, { recursive: true });
    },
  };
}
