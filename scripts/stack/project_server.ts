/** The process of one project. It serves the functions under `/functions/v1/` and the data API under `/rest/v1/`. */

import { CliError } from "../cli/error.ts";
import { runChild } from "./child.ts";
import { usePool } from "shared/database/direct_connection.ts";
import { type DataApiServer, type LocalDatabase, openDataApi, PGLITE_URL } from "./data_api/data_api.ts";
import type { ProjectKeys } from "./keys.ts";
import { listenOn } from "./listen.ts";
import { migrate } from "./migrations.ts";
import { withPglite } from "./pglite.ts";
import { functionNames, type ProjectName, projectUrl } from "./projects.ts";

export interface ProjectConfig {
  project: ProjectName;
  port: number;
  /** The option that sets the port. */
  portOption: string;
  keys: ProjectKeys;
  /** The answer of `/ready` once everything runs. It distinguishes this process from another server on the port. */
  readyToken: string;
  /** This process creates and migrates PGlite's database. The parent has prepared that of native PostgreSQL. */
  database: LocalDatabase;
}

type Functions = Map<string, { fetch(request: Request): Promise<Response> }>;

if (import.meta.main) await runChild(serve);

async function serve(config: ProjectConfig): Promise<() => Promise<void>> {
  let dataApi: DataApiServer | undefined = undefined;
  let functions: Functions = new Map();
  const server = listenOn(config.port, config.portOption, async (request) => {
    const url = new URL(request.url);
    if (dataApi === undefined) return new Response("starting", { status: 503 });
    if (url.pathname === "/ready") return new Response(config.readyToken);
    if (url.pathname.startsWith("/rest/v1/")) return dataApi.fetch(request);
    const [, name = "", rest = ""] = /^\/functions\/v1\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
    const handler = functions.get(name);
    if (handler === undefined) return Response.json({ code: "NOT_FOUND" }, { status: 404 });
    // As on the platform, the path starts with the function's name. A copy of the request would take half of its time here.
    Object.defineProperty(request, "url", { value: `${url.origin}/${name}${rest}${url.search}` });
    const response = await handler.fetch(request);
    // The rest of a body that was too slow or not read may still arrive on the connection (RFC 9110, 15.5.9).
    const isUnread = request.body !== null && !request.bodyUsed;
    if (isUnread || response.status === 408) response.headers.set("connection", "close");
    return response;
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

async function loadFunctions(project: ProjectName): Promise<Functions> {
  const names = await functionNames(project);
  const modules = await Promise.all(
    names.map((name) => import(projectUrl(project, `functions/${name}/index.ts`).href)),
  );
  return new Map(names.map((name, index) => [name, modules[index].default]));
}
