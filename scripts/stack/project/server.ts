/** The process of one project. It serves the functions under `/functions/v1/` and the data API under `/rest/v1/`. */

import { CliError } from "../../cli/error.ts";
import { runChild } from "../child.ts";
import { usePool } from "shared/database/direct_connection.ts";
import { type DataApiServer, type LocalDatabase, openDataApi, PGLITE_URL } from "../data_api/data_api.ts";
import { answerFunction, type Functions, loadFunctions } from "./functions.ts";
import type { ProjectKeys } from "../data/keys.ts";
import { listenOn } from "../listen.ts";
import { migrate } from "./migrations.ts";
import { withPglite } from "./pglite.ts";
import { type ProjectName, projectUrl } from "../projects.ts";

export interface ProjectConfig {
  project: ProjectName;
  port: number;
  keys: ProjectKeys;
  /** The answer of `/ready` once everything runs. It distinguishes this process from another server on the port. */
  readyToken: string;
  /** This process creates and migrates PGlite's database. The parent has prepared that of native PostgreSQL. */
  database: LocalDatabase;
}

if (import.meta.main) await runChild(serve);

async function serve(config: ProjectConfig): Promise<() => Promise<void>> {
  let dataApi: DataApiServer | undefined = undefined;
  let functions: Functions = new Map();
  const server = listenOn(config.port, async (request) => {
    const url = new URL(request.url);
    if (dataApi === undefined) return new Response("starting", { status: 503 });
    if (url.pathname === "/ready") return new Response(config.readyToken);
    if (url.pathname.startsWith("/rest/v1/")) return dataApi.fetch(request);
    return await answerFunction(functions, request, url);
  });
  if (config.database.kind === "pglite") await preparePglite(config.project, config.database.folder);
  functions = await loadFunctions(config.project);
  dataApi = await openDataApi(config.database, config.keys);
  if (dataApi.pool) usePool(PGLITE_URL, dataApi.pool);
  return async () => {
    await Promise.race([server.shutdown(), new Promise((resolve) => setTimeout(resolve, 500))]);
    await dataApi?.close();
  };
}

async function preparePglite(project: ProjectName, folder: string): Promise<void> {
  await withPglite(folder, (run) => migrate(run, projectUrl(project, "migrations/"))).catch((error) => {
    throw new CliError(`the database in ${folder} cannot be opened (${error}); start again with --fresh`);
  });
}
