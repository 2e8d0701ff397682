/** The function that serves a resource's documented URLs, `/<resource>/<verb>`. */

import { ApiError, unknownPath } from "../api_error.ts";
import { callFunction, type DatabaseAccess } from "../database/call_function.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Answer, type Handler, type Project, type RequestContext, requireMethod, respond } from "./respond.ts";

export interface Routes<Environment> {
  project: Project<Environment>;
  resource: string;
  endpoints: Endpoint[];
  /** The project's OpenAPI document, as the build wrote it. */
  document: string;
  /** The function that `health` calls with an empty caller. Its 401 shows that the database answers. */
  probe: "list_mcp_servers" | "list_credentials";
}

/**
 * Routes by the segment after the resource. Two more routes need no key: `health` answers 200 if the configuration is
 * valid and the database answers, otherwise 503; `openapi.json` is the project's document.
 */
export function router<Environment extends { database: DatabaseAccess }>(routes: Routes<Environment>): Handler {
  const { project, resource, endpoints, document } = routes;
  const own = (verb: string, answer: (context: RequestContext) => Promise<Answer>): [string, Handler] => [
    `/${resource}/${verb}`,
    { fetch: (request) => respond(project, `${resource}-${verb.replace(".json", "")}`, request, answer) },
  ];
  const handlers = new Map<string, Handler>([
    ...endpoints.map((endpoint): [string, Handler] => [endpoint.paths[0] ?? "", endpoint]),
    own("health", (context) => checkHealth(routes, context)),
    own("openapi.json", (context) => describe(document, context)),
  ]);

  return {
    fetch(request) {
      const handler = handlers.get(new URL(request.url).pathname);
      return handler
        ? handler.fetch(request)
        : respond(project, resource, request, () => Promise.reject(unknownPath()));
    },
  };
}

async function checkHealth<Environment extends { database: DatabaseAccess }>(
  { project, probe }: Routes<Environment>,
  { request }: RequestContext,
): Promise<Answer> {
  requireMethod(request, "GET");
  const { database } = await project.environment();
  await callFunction(database, probe, { caller: {}, filter: {} }, () => {}).catch((error) => {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  });
  return { status: 200, data: { healthy: true } };
}

function describe(json: string, { request }: RequestContext): Promise<Answer> {
  requireMethod(request, "GET");
  return Promise.resolve({ status: 200, json, headers: { "cache-control": "public, max-age=300" } });
}
