/** Both projects as the test's own processes, on one PostgreSQL, with the stack's seeds. */

import { assert } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { generateKeys, type SeededOrganization, type SeededTenant, type StackKeys } from "../../../stack/data/keys.ts";
import type { ProjectConfig } from "../../../stack/project/server.ts";
import { DATABASES, type ProjectName } from "../../../stack/projects.ts";
import { answers, freePort, untilReady } from "../../../stack/ready.ts";
import { seed } from "../../../stack/data/seed.ts";
import { type DatabaseServer, startDatabaseServer } from "./database_server.ts";
import { type RunningProcess, runScript } from "./running.ts";

export interface RunningProject {
  project: ProjectName;
  url: string;
  process: RunningProcess;
}

export interface Rig {
  database: DatabaseServer;
  hub: RunningProject;
  vault: RunningProject;
  keys: StackKeys;
  organizations: SeededOrganization[];
  tenant: SeededTenant;
  /** The kernel of that tenant's organization. */
  kernelKey: string;
  /** The variables with which a project's functions call their databases without the data API. */
  directAccess(project: ProjectName): Record<string, string>;
  /** Starts another process of a project. Undefined variables are removed. */
  startProject(project: ProjectName, options?: ProjectOptions): Promise<RunningProject>;
  /** Starts a new process of the hub or the vault, on the port of the last one. */
  restart(which: "hub" | "vault"): Promise<void>;
  /** All processes of a project, including ended ones. */
  processes(): RunningProcess[];
  stop(): Promise<void>;
}

export interface ProjectOptions {
  port?: number;
  environment?: Record<string, string | undefined>;
  /** The root folder of the code. This repository's when absent. */
  root?: URL;
  /** Replaces the rig's own database. */
  databaseUrl?: string;
}

/** How the functions call their databases. The suites that depend on it run once for each. */
export const TRANSPORT = Deno.env.get("TRANSPORT") === "direct" ? "direct" : "data API";

const ROOT = new URL("../../../../", import.meta.url);

/**
 * Starts PostgreSQL in the folder, and both projects. The caller removes the folder.
 *
 * @param logPath the file for the projects' request logs, which the rig keeps in memory if it is absent
 */
export async function startRig(folder: string, settings: string[] = [], logPath?: string): Promise<Rig> {
  const database = await startDatabaseServer(folder, settings);
  const keys = await generateKeys();
  const ports = { "governance-hub": freePort(), "key-vault-executor": freePort() };
  const started: RunningProject[] = [];

  async function startProject(project: ProjectName, options: ProjectOptions = {}): Promise<RunningProject> {
    const { port = freePort(), environment, root = ROOT, databaseUrl } = options;
    const config: ProjectConfig = {
      project,
      port,
      keys: keys[DATABASES[project]],
      readyToken: crypto.randomUUID(),
      database: { kind: "postgres", url: databaseUrl ?? database.url("authenticator", project) },
    };
    const url = `http://127.0.0.1:${port}`;
    const access = TRANSPORT === "direct" ? directAccess(project) : {};
    const variables = { ...variablesOf(project, url), ...access, ...environment };
    const process = await runScript(
      project,
      new URL("scripts/stack/project/server.ts", root),
      config,
      Object.fromEntries(
        Object.entries(variables).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
      ),
      logPath,
    );
    const running = { project, url, process };
    started.push(running);
    await untilReady(process, () => answers(url, config.readyToken)).catch((error) => {
      throw new Error(`${project} does not start: ${error.message} ${process.output()}`);
    });
    return running;
  }

  function variablesOf(project: ProjectName, url: string): Record<string, string> {
    return {
      SUPABASE_URL: url,
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: keys[DATABASES[project]].secret_key }),
      KERNEL_HMAC_SECRET: keys.kernel_hmac_secret,
      ...(project === "key-vault-executor" && {
        REPO_B_URL: `http://127.0.0.1:${ports["governance-hub"]}`,
        REPO_B_SERVICE_KEY: keys.governance_hub.secret_key,
        REPO_B_ANON_KEY: keys.governance_hub.publishable_key,
        CREDENTIAL_ENCRYPTION_KEY: keys.credential_encryption_key,
        DECISION_VERIFY_KEYS: keys.decision_verify_keys,
      }),
    };
  }

  function directAccess(project: ProjectName): Record<string, string> {
    return {
      DATABASE_URL: database.url("function_caller", project),
      ...(project === "key-vault-executor" && {
        REPO_B_DATABASE_URL: database.url("function_caller", "governance-hub"),
      }),
    };
  }

  const stop = async () => {
    await Promise.all(started.map(({ process }) => {
      process.signal("SIGCONT");
      return process.stop();
    }));
    await database.stop();
  };
  try {
    const hub = await startProject("governance-hub", { port: ports["governance-hub"] });
    const vault = await startProject("key-vault-executor", { port: ports["key-vault-executor"] });
    const organizations = await seed(
      { url: hub.url, ...keys.governance_hub, database_url: null },
      keys.kernel_hmac_secret,
    );
    const [organization] = organizations;
    const tenant = organization?.tenants[0];
    assert(organization && tenant);
    const rig: Rig = {
      database,
      hub,
      vault,
      keys,
      organizations,
      tenant,
      kernelKey: organization.kernel_key,
      directAccess,
      startProject,
      async restart(which) {
        const { project, process } = rig[which];
        await process.stop();
        rig[which] = await startProject(project, { port: ports[project] });
      },
      processes: () => started.map(({ process }) => process),
      stop,
    };
    return rig;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A folder that PostgreSQL's own user can enter. */
export async function makeFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: `slow-${encodeHex(crypto.getRandomValues(new Uint8Array(4)))}-` });
  await Deno.chmod(folder, 0o711);
  return folder;
}
