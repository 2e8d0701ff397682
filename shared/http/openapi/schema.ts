/** JSON Schema 2020-12 of zod schemas, as zod makes it, and examples of what fits it. */

import * as z from "zod/mini";
import type { Keywords } from "../../schema/annotate.ts";

export interface JsonSchema extends Keywords {
  id?: string;
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

/** Schemas that others refer to, by the id in their keywords. */
export type Definitions = Record<string, JsonSchema>;

const DEFINITION = "#/$defs/";

/** The schema of what is sent (input) or answered (output). Those that it refers to are put among the definitions. */
export function jsonSchema(schema: z.ZodMiniType, io: "input" | "output", definitions: Definitions): JsonSchema {
  // What zod calls unrepresentable has keywords of ours.
  const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any", override });
  // Wider in zod's own type: true and false are schemas too.
  for (const [name, definition] of Object.entries($defs)) define(name, definition as JsonSchema, definitions);
  return json as JsonSchema;
}

/** Says a default in words: openapi-typescript makes a member required that has one. */
function override({ jsonSchema }: { jsonSchema: { default?: unknown; description?: string } }): void {
  if (jsonSchema.default === undefined) return;
  jsonSchema.description = `${jsonSchema.description}; when it is absent, ${jsonSchema.default}`;
  delete jsonSchema.default;
}

/** A reference to the schema, which is put among the definitions by its own id, or by the name when it has none. */
export function reference(
  name: string,
  schema: z.ZodMiniType,
  io: "input" | "output",
  definitions: Definitions,
): JsonSchema {
  const json = jsonSchema(schema, io, definitions);
  return json.$ref === undefined ? define(name, json, definitions) : json;
}

/** A reference to the schema of that name, which there is once. */
export function define(name: string, { id: _, ...schema }: JsonSchema, definitions: Definitions): JsonSchema {
  const known = definitions[name] ??= schema;
  if (JSON.stringify(known) !== JSON.stringify(schema)) throw new Error(`two schemas have the name ${name}`);
  return { $ref: `${DEFINITION}${name}` };
}

/** The document with references to definitions that lead to where a document has them. */
export function linked(document: unknown): unknown {
  return JSON.parse(JSON.stringify(document).replaceAll(`"${DEFINITION}`, '"#/components/schemas/'));
}

/**
 * A value that fits the schema: its first example, or one made of those of its members. An empty list of examples leaves
 * a member out.
 */
export function exampleOf(schema: JsonSchema, definitions: Definitions): unknown {
  if (schema.$ref !== undefined) return exampleOf(definitions[schema.$ref.slice(DEFINITION.length)] ?? {}, definitions);
  if ("const" in schema) return schema.const;
  const values = schema.examples ?? schema.enum;
  if (values !== undefined) return values[0];
  const [variant] = schema.oneOf ?? schema.anyOf ?? [];
  if (variant) return exampleOf(variant, definitions);
  if (schema.items) return [exampleOf(schema.items, definitions)];
  if (schema.type === "boolean") return true;
  if (schema.type === "integer") return 1;
  const members = Object.entries(schema.properties ?? {}).map((
    [name, member],
  ) => [name, exampleOf(member, definitions)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}
