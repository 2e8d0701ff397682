import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "ajv/2020";
import formats from "ajv-formats";
import { HUB_TOOLS } from "governance-hub/supabase/functions/mcp/hub_tools/hub_tools.ts";
import { operationOf, SCHEMAS_URL, schemasText } from "./hub_tool_schemas.ts";

Deno.test("the input schemas of the hub's tools are those of the endpoints that they call", async () => {
  assert(
    await Deno.readTextFile(SCHEMAS_URL) === schemasText(),
    "hub_tool_schemas.json is stale: run `deno task build`",
  );
});

Deno.test("each of the hub's tools has the scope and the method of its endpoint", () => {
  for (const { tool, scope, endpoint } of HUB_TOOLS) {
    const operation = operationOf(endpoint.path);
    assertEquals([scope, endpoint.method], [operation.scope, operation.method], tool.name);
  }
});

Deno.test("each of the hub's tools has a complete schema, which accepts its examples", () => {
  const ajv = new Ajv2020({ strict: false });
  formats.default(ajv);
  for (const { tool } of HUB_TOOLS) {
    const { properties, required = [] } = tool.inputSchema as {
      properties: Record<string, Example>;
      required?: string[];
    };
    const isValid = ajv.compile(tool.inputSchema);
    const example = Object.fromEntries(required.map((name) => [name, properties[name]?.examples?.[0]]));
    assert(isValid(example), `${tool.name}: ${ajv.errorsText(isValid.errors)}`);
    assertEquals(isValid({ ...example, colour: 1 }), false, tool.name);
    assert(!JSON.stringify(tool.inputSchema).includes("$ref") && !("tenant_id" in properties), tool.name);
  }
});

Deno.test("the hub's tools have names and hints by which a client can ask its user first", () => {
  assertEquals(
    HUB_TOOLS.map(({ tool }) => [tool.name, tool.annotations.readOnlyHint, tool.annotations.destructiveHint]),
    [
      ["hub.register_server", false, false],
      ["hub.list_servers", true, false],
      ["hub.update_server", false, true],
      ["hub.delete_server", false, true],
      ["hub.server_status", true, false],
      ["hub.store_credential", false, true],
      ["hub.list_credentials", true, false],
      ["hub.delete_credential", false, true],
    ],
  );
});

interface Example {
  examples?: unknown[];
}
