/** Names for the parts of a document. Client generators turn them into type names. */

import type { Definitions } from "./schema.ts";

/** The parts that operations refer to, by name. */
export interface Components {
  schemas: Definitions;
  responses: Record<string, unknown>;
  examples: Record<string, unknown>;
}

/** `mcp-servers-register` as `mcpServersRegister`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** `mcp-servers-register` as `McpServersRegister`. */
export function pascalCase(name: string): string {
  return camelCase(`-${name}`);
}
