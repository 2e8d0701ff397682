/** How endpoints and schemas describe themselves for the OpenAPI document: see http/openapi/document.ts. */

import * as z from "zod/mini";
import type { ErrorCode } from "../api_error.ts";

/** Keywords of JSON Schema, 2020-12. */
export type Keywords = Record<string, unknown>;

/** Adds keywords for the document that the schema itself does not have. */
export function documented<Schema extends z.ZodMiniType>(schema: Schema, keywords: Keywords): Schema {
  z.globalRegistry.add(schema, keywords);
  return schema;
}

/** A header of a request or an answer. */
export interface HeaderField {
  description: string;
  pattern?: string;
  example: string;
}

/** What the document says about an endpoint besides its method and its fields. */
export interface EndpointDocs {
  /** A few words. */
  summary: string;
  /** What it means and does, in sentences. */
  description: string;
  /** The scope that the key must have. If absent, any key is accepted. */
  scope?: string;
  /** If true, agents are refused. */
  isForKernels?: boolean;
  /** The `data` of its answers. */
  data: z.ZodMiniType;
  /** The meaning of each success status. If absent, the only one is 200. */
  statuses?: Record<number, string>;
  /** Its errors, besides those that come from its method, key and scope. */
  errors?: readonly ErrorCode[];
  /** Headers that it reads, and headers of its answers, besides the common ones. */
  reads?: Record<string, HeaderField>;
  gives?: Record<string, HeaderField>;
  /** The schemas of which its body must match exactly one, if one schema of all its fields would be too loose. */
  body?: { name: string; oneOf: readonly z.ZodMiniType[] };
  /** An example body, if the examples of all its fields together are not a valid or useful one. */
  example?: Record<string, unknown>;
}

/** The parts of an endpoint that the document describes. */
export interface Operation extends EndpointDocs {
  /** `<resource>-<verb>`. */
  name: string;
  resource: string;
  method: "GET" | "POST";
  /** The paths at which it answers. The documented one is first. */
  paths: readonly string[];
  isBodyOptional?: boolean;
  /** If absent, it needs no key and has no input. */
  input?: z.ZodMiniType;
}
