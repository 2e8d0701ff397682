/** The function that serves a resource's documented URLs, `/<resource>/<verb>`, by the endpoints that it is given. */

import { callFunction } from "./database.ts";
import {
  type Answer,
  type Arrival,
  type Handler,
  type Project,
  requireMethod,
  respond,
  unknownPath,
} from "./endpoint.ts";
import { ApiError } from "./api_error.ts";
import type { DataApi } from "./environment.ts";

/**
 * Routes by the segment after the resource. `health` needs no key: 200 when the configuration is valid and the
 * database answers, else 503.
 *
 * @param probe a function of the database; it refuses the empty caller it is called with, and so has answered.
 */
export function router<Environment extends { database: DataApi }>(
  project: Project<Environment>,
  resource: string,
  endpoints: Record<string, Handler>,
  probe: "list_mcp_servers" | "list_credentials",
): Handler {
  const routes = new Map(Object.entries(endpoints).map(([verb, handler]) => [`/${resource}/${verb}`, handler]));

  async function health({ request }: Arrival): Promise<Answer> {
    requireMethod(request, "GET");
    const { database } = await project.environment();
    await callFunction(database, probe, { caller: {}, filter: {} }, () => {}).catch((error) => {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
    });
    return { status: 200, data: { healthy: true } };
  }

  routes.set(`/${resource}/health`, { fetch: (request) => respond(project, `${resource}-health`, request, health) });

  return {
    fetch(request) {
      const handler = routes.get(new URL(request.url).pathname);
      return handler
        ? handler.fetch(request)
        : respond(project, resource, request, () => Promise.reject(unknownPath()));
    },
  };
}
