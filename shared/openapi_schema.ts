/** JSON Schema 2020-12 of zod schemas, as zod makes it, and examples of what fits it. */

import * as z from "zod/mini";
import type { Keywords } from "./documented.ts";

export interface JsonSchema extends Keywords {
  $ref?: string;
  const?: unknown;
  enum?: unknown[];
  examples?: unknown[];
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

/** Schemas that others refer to, by the id in their keywords. */
export type Definitions = Record<string, JsonSchema>;

const DEFINITION = "#/$defs/";

/** The schema of what is sent (input) or answered (output). Those that it refers to are put among the definitions. */
export function jsonSchema(schema: z.ZodMiniType, io: "input" | "output", definitions: Definitions): JsonSchema {
  // What zod calls unrepresentable has keywords of ours.
  const { $schema: _, $defs, ...json } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  Object.assign(definitions, $defs);
  // Wider in zod's own type: true and false are schemas too.
  return json as JsonSchema;
}

/** A document's text, in which references to definitions lead to where a document has them. */
export function textOf(document: unknown): string {
  return JSON.stringify(document).replaceAll(`"${DEFINITION}`, '"#/components/schemas/');
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
  if (schema.anyOf?.[0]) return exampleOf(schema.anyOf[0], definitions);
  if (schema.items) return [exampleOf(schema.items, definitions)];
  if (schema.type === "boolean") return true;
  if (schema.type === "integer") return 1;
  const members = Object.entries(schema.properties ?? {}).map((
    [name, member],
  ) => [name, exampleOf(member, definitions)]);
  return Object.fromEntries(members.filter(([, value]) => value !== undefined));
}
