/** Makes the OpenAPI documents from the endpoints. The routers serve them from files in their own folders. */

import authorize from "governance-hub/supabase/functions/authorize/index.ts";
import { ENDPOINTS as HUB_ENDPOINTS } from "governance-hub/supabase/functions/mcp-servers/endpoints.ts";
import { ENDPOINTS as VAULT_ENDPOINTS } from "key-vault-executor/supabase/functions/credentials/endpoints.ts";
import type { Endpoint } from "shared/http/endpoint.ts";
import { hub } from "governance-hub/supabase/functions/_shared/hub.ts";
import { openApi } from "shared/http/openapi/document.ts";
import { SCHEMAS_URL, schemasText } from "./hub_tool_schemas.ts";
import { vault } from "key-vault-executor/supabase/functions/_shared/vault.ts";
import { type ProjectName, projectUrl, RESOURCES } from "../stack/projects.ts";

const MAKERS: Record<ProjectName, () => unknown> = {
  "governance-hub": () =>
    openApi({
      api: hub,
      resource: RESOURCES["governance-hub"],
      tags: {
        "mcp-servers":
          "The MCP servers of a tenant, and what was done to them. Agents can do the same by MCP, with the tools under `hub.`.",
        authorize: "Whether a caller may call a tool.",
      },
      operations: operationsOf([...HUB_ENDPOINTS, authorize]),
    }),
  "key-vault-executor": () =>
    openApi({
      api: vault,
      resource: RESOURCES["key-vault-executor"],
      tags: { credentials: "The credentials of a tenant, encrypted at rest, and what was done to them." },
      operations: operationsOf(VAULT_ENDPOINTS),
    }),
};

function operationsOf(endpoints: readonly Endpoint[]) {
  return endpoints.map((endpoint) => endpoint.operation());
}

/** The file that a project's router serves. */
export function documentUrl(project: ProjectName): URL {
  return projectUrl(project, `functions/${RESOURCES[project]}/openapi.json`);
}

/** The text of that file: one line for each path and each component. */
export function documentText(project: ProjectName): string {
  return toLines(MAKERS[project](), 3) + "\n";
}

/** JSON with one line for each member down to that depth: small to serve, and easy to compare in a diff. */
function toLines(value: unknown, depth: number): string {
  if (depth === 0 || typeof value !== "object" || value === null || Array.isArray(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]) =>
    `${JSON.stringify(name)}:${toLines(member, depth - 1)}`
  );
  return `{\n${members.join(",\n")}\n}`;
}

export async function writeDocuments(): Promise<void> {
  for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
    await Deno.writeTextFile(documentUrl(project), documentText(project));
  }
  await Deno.writeTextFile(SCHEMAS_URL, schemasText());
}
