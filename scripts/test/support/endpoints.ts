/** Every endpoint with a valid request, for tests of all endpoints. */

import { functionNames, type ProjectName, RESOURCES } from "../../stack/projects.ts";

export interface EndpointCase {
  project: ProjectName;
  /** The function's name (`<resource>-<verb>`), or the route's (`<resource>/<verb>`). */
  name: string;
  /** Its paths after `/functions/v1/`: a route has one, a function of a resource two. */
  paths: [string, ...string[]];
  method: "GET" | "POST";
  /** The scope that it needs. Null if any key may call it. */
  scope: string | null;
  /** What it does to a server or credential of a tenant. What lends wants a kernel and a decision: it has tests of its own. */
  acts: "creates" | "lists" | "on one" | "decides" | "lends";
  /** A valid body, for POST: for a new thing, or for the thing with this name. */
  body?: (thing?: string) => Record<string, unknown>;
  /** True if a request without a body is treated as `{}`. */
  isBodyOptional?: boolean;
}

type EndpointRow = Pick<EndpointCase, "method" | "scope" | "acts" | "body" | "isBodyOptional">;

const ROWS: Record<ProjectName, Record<string, EndpointRow>> = {
  "governance-hub": {
    "mcp-servers-register": { method: "POST", scope: "servers:write", acts: "creates", body: newServer },
    "mcp-servers-list": { method: "GET", scope: "servers:read", acts: "lists" },
    "mcp-servers/events": { method: "GET", scope: "servers:read", acts: "lists" },
    "authorize": {
      method: "POST",
      scope: null,
      acts: "decides",
      body: (thing = "missing") => ({ tool: `p${thing}.tool` }),
      isBodyOptional: true,
    },
    "mcp-servers-update": {
      method: "POST",
      scope: "servers:write",
      acts: "on one",
      body: (thing = "missing") => ({ server_id: thing, name: "changed" }),
    },
    "mcp-servers-delete": {
      method: "POST",
      scope: "servers:write",
      acts: "on one",
      body: (thing = "missing") => ({ server_id: thing }),
    },
  },
  "key-vault-executor": {
    "credentials-store": {
      method: "POST",
      scope: "credentials:write",
      acts: "creates",
      body: () => ({ service: `s-${crypto.randomUUID()}`, credentials: { api_key: "x" } }),
    },
    "credentials-list": { method: "GET", scope: "credentials:read", acts: "lists" },
    "credentials/events": { method: "GET", scope: "credentials:read", acts: "lists" },
    "credentials-retrieve": {
      method: "POST",
      scope: "credentials:reveal",
      acts: "on one",
      body: (thing = "missing") => ({ service: thing }),
    },
    "credentials/use": {
      method: "POST",
      scope: "credentials:use",
      acts: "lends",
      body: (thing = "missing") => ({ service: thing, decision: "a.b.c" }),
    },
    "credentials-delete": {
      method: "POST",
      scope: "credentials:write",
      acts: "on one",
      body: (thing = "missing") => ({ service: thing }),
    },
  },
};

/** A server with unique values. */
export function newServer(id: string = crypto.randomUUID()): Record<string, unknown> {
  return { server_id: id, name: "A server", command: "node", args: ["server.js"], tool_prefix: `p${id}.` };
}

/** A project's endpoints: the functions of its config.toml, and the routes above. @throws if a function has no row. */
export async function endpointsOf(project: ProjectName): Promise<EndpointCase[]> {
  const resource = RESOURCES[project];
  // The gateway answers in the form of MCP, and has tests of its own.
  const functions = (await functionNames(project)).filter((name) => name !== resource && name !== "mcp");
  const routes = Object.keys(ROWS[project]).filter((name) => name.includes("/"));
  return [...functions, ...routes].map((name) => {
    const row = ROWS[project][name];
    if (row === undefined) throw new Error(`${name} is in config.toml, but has no row in endpoints.ts`);
    return { project, name, paths: pathsOf(resource, name), ...row };
  });
}

function pathsOf(resource: string, name: string): [string, ...string[]] {
  return name.startsWith(`${resource}-`) ? [`${resource}/${name.slice(resource.length + 1)}`, name] : [name];
}
