/** Makes the input schemas of the hub's tools from the fields of the endpoints that they call. */

import { ENDPOINTS as HUB_ENDPOINTS } from "governance-hub/supabase/functions/mcp-servers/endpoints.ts";
import { ENDPOINTS as VAULT_ENDPOINTS } from "key-vault-executor/supabase/functions/credentials/endpoints.ts";
import { HUB_TOOLS } from "governance-hub/supabase/functions/mcp/hub_tools/hub_tools.ts";
import { type Definitions, type JsonSchema, jsonSchema } from "shared/http/openapi/schema.ts";
import type { Operation } from "shared/schema/annotate.ts";
import { projectUrl } from "../stack/projects.ts";
import status from "governance-hub/supabase/functions/mcp/hub_tools/server_status.ts";

const OPERATIONS = [...HUB_ENDPOINTS, ...VAULT_ENDPOINTS, status].map((endpoint) => endpoint.operation());

/** The endpoint's own words name a header, which tools do not have. */
const IF_VERSION = "the version that the server must have, or nothing changes";

/** The file that the gateway reads them from. */
export const SCHEMAS_URL = projectUrl("governance-hub", "functions/mcp/hub_tools/hub_tool_schemas.json");

/** The text of that file: one line for each tool. */
export function schemasText(): string {
  const lines = HUB_TOOLS.map(({ tool, endpoint }) =>
    `${JSON.stringify(tool.name)}:${JSON.stringify(schemaOf(endpoint.path))}`
  );
  return `{\n${lines.join(",\n")}\n}\n`;
}

/** What the endpoint of this path says of itself. */
export function operationOf(path: string): Operation {
  const operation = OPERATIONS.find(({ paths }) => paths.includes(`/${path}`));
  if (operation === undefined) throw new Error(`no endpoint has the path ${path}`);
  return operation;
}

/** The tenant is left out: an agent's key has one, and a kernel names it in the gateway's address. */
function schemaOf(path: string): JsonSchema {
  const { input } = operationOf(path);
  if (input === undefined) throw new Error(`the endpoint ${path} has no input`);
  const definitions: Definitions = {};
  const schema = jsonSchema(input, "input", definitions);
  const { tenant_id: _, ...properties } = schema.properties ?? {};
  if (properties.if_version) properties.if_version.description = IF_VERSION;
  return inlined({ ...schema, properties }, definitions);
}

/** Many clients do not follow references. */
function inlined<Value>(value: Value, definitions: Definitions): Value {
  return JSON.parse(JSON.stringify(value), (_, member) => {
    const name: unknown = member?.$ref;
    if (typeof name !== "string") return member;
    const { id: _id, ...definition } = definitions[name.replace("#/$defs/", "")] ?? {};
    return inlined(definition, definitions);
  });
}
