/** The function that serves a resource's documented URLs, `/<resource>/<verb>`, by the endpoints that it is given. */

import * as z from "zod/mini";
import { ApiError } from "./api_error.ts";
import { callFunction } from "./database.ts";
import type { Operation } from "./documented.ts";
import type { Endpoint } from "./endpoint.ts";
import type { DataApi } from "./environment.ts";
import { once } from "./once.ts";
import { openApi } from "./openapi.ts";
import {
  type Answer,
  type Arrival,
  type Handler,
  type Project,
  requireMethod,
  respond,
  unknownPath,
} from "./respond.ts";

export interface Routes<Environment> {
  project: Project<Environment>;
  resource: string;
  endpoints: Endpoint[];
  /** Endpoints of the project that are functions elsewhere, and stand in its document all the same. */
  others?: Endpoint[];
  /** A function of the database; it refuses the empty caller that it is called with, and so has answered. */
  probe: "list_mcp_servers" | "list_credentials";
}

/**
 * Routes by the segment after the resource. Two routes of its own need no key: `health`, 200 when the configuration is
 * valid and the database answers, else 503; and `openapi.json`, the project's document.
 */
export function router<Environment extends { database: DataApi }>(routes: Routes<Environment>): Handler {
  const { project, resource, endpoints } = routes;
  const own = (verb: string, answer: (arrival: Arrival) => Promise<Answer>): [string, Handler] => [
    `/${resource}/${verb}`,
    { fetch: (request) => respond(project, `${resource}-${verb.replace(".json", "")}`, request, answer) },
  ];
  const handlers = new Map<string, Handler>([
    ...endpoints.map((endpoint): [string, Handler] => [endpoint.paths[0] ?? "", endpoint]),
    own("health", (arrival) => checkHealth(routes, arrival)),
    own("openapi.json", describe(routes)),
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

async function checkHealth<Environment extends { database: DataApi }>(
  { project, probe }: Routes<Environment>,
  { request }: Arrival,
): Promise<Answer> {
  requireMethod(request, "GET");
  const { database } = await project.environment();
  await callFunction(database, probe, { caller: {}, filter: {} }, () => {}).catch((error) => {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  });
  return { status: 200, data: { healthy: true } };
}

/** Answers with the document, which is made when it is first asked for. */
function describe<Environment>({ project, resource, endpoints, others = [] }: Routes<Environment>) {
  const make = once(() => {
    const operations = [...endpoints, ...others].map((endpoint) => endpoint.operation());
    return openApi(project, resource, [...operations, healthOf(resource)]);
  });
  return ({ request }: Arrival): Promise<Answer> => {
    requireMethod(request, "GET");
    return Promise.resolve({ status: 200, json: make(), headers: { "cache-control": "public, max-age=300" } });
  };
}

function healthOf(resource: string): Operation {
  return {
    name: `${resource}-health`,
    resource,
    method: "GET",
    paths: [`/${resource}/health`],
    summary: "Tells whether the configuration is valid and the database answers",
    data: z.object({ healthy: z.literal(true) }),
  };
}
