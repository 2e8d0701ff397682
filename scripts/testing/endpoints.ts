/** Every endpoint with a request that it accepts: what tests that go over all of them go over. */

import { functionNames, type ProjectName } from "../stack/projects.ts";

export interface EndpointCase {
  project: ProjectName;
  /** The function's name: `<resource>-<verb>`. */
  name: string;
  /** Both URL forms, as they follow `/functions/v1/`. */
  paths: [string, string];
  method: "GET" | "POST";
  scope: string;
  /** What it does to a server or credential of a tenant. */
  acts: "creates" | "lists" | "on one";
  /** A body that it accepts, for POST: for a new thing, or on the thing of that name. */
  body?: (thing?: string) => Record<string, unknown>;
}

type Row = Pick<EndpointCase, "method" | "scope" | "acts" | "body">;

const ROWS: Record<ProjectName, Record<string, Row>> = {
  "governance-hub": {
    "mcp-servers-register": { method: "POST", scope: "servers:write", acts: "creates", body: newServer },
    "mcp-servers-list": { method: "GET", scope: "servers:read", acts: "lists" },
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
    "credentials-retrieve": {
      method: "POST",
      scope: "credentials:reveal",
      acts: "on one",
      body: (thing = "missing") => ({ service: thing }),
    },
    "credentials-delete": {
      method: "POST",
      scope: "credentials:write",
      acts: "on one",
      body: (thing = "missing") => ({ service: thing }),
    },
  },
};

export const RESOURCES: Record<ProjectName, string> = {
  "governance-hub": "mcp-servers",
  "key-vault-executor": "credentials",
};

/** A server that no other has anything of. */
export function newServer(id: string = crypto.randomUUID()): Record<string, unknown> {
  return { server_id: id, name: "A server", command: "node", args: ["server.js"], tool_prefix: `p${id}.` };
}

/** The endpoints of a project, as its config.toml has them. @throws when one of them has no row here. */
export async function endpointsOf(project: ProjectName): Promise<EndpointCase[]> {
  const resource = RESOURCES[project];
  const names = (await functionNames(project)).filter((name) => name !== resource);
  return names.map((name) => {
    const row = ROWS[project][name];
    if (row === undefined) throw new Error(`${name} is in config.toml and has no row in endpoints.ts`);
    return { project, name, paths: [`${resource}/${name.slice(resource.length + 1)}`, name], ...row };
  });
}
