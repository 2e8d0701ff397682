/** What an endpoint and its schemas say of themselves for the document of their project: see openapi.ts. */

import * as z from "zod/mini";
import type { ErrorCode } from "../api_error.ts";

/** Keywords of JSON Schema, 2020-12. */
export type Keywords = Record<string, unknown>;

/** Gives a schema what it cannot say of itself in the document. */
export function documented<Schema extends z.ZodMiniType>(schema: Schema, keywords: Keywords): Schema {
  z.globalRegistry.add(schema, keywords);
  return schema;
}

/** A header field of a request or of an answer. */
export interface HeaderField {
  description: string;
  pattern?: string;
  example: string;
}

/** What the document tells of an endpoint beyond its method and its fields. */
export interface EndpointDocs {
  /** A few words. */
  summary: string;
  /** What it means and does, in sentences. */
  description: string;
  /** What a key must have; absent: any key will do. */
  scope?: string;
  /** The `data` of its answers. */
  data: z.ZodMiniType;
  /** When it answers which status; absent: 200. */
  statuses?: Record<number, string>;
  /** Its errors beside those that its method, its key and its scope can give. */
  errors?: readonly ErrorCode[];
  /** Header fields that it reads, and that its answers have, beside those of all. */
  reads?: Record<string, HeaderField>;
  gives?: Record<string, HeaderField>;
  /** What its body must be exactly one of, under which name, where a schema of all its fields says too little. */
  body?: { name: string; oneOf: readonly z.ZodMiniType[] };
  /** A body, where one with an example of each field is none that it takes, or not a good one. */
  example?: Record<string, unknown>;
}

/** An endpoint as its document needs it. */
export interface Operation extends EndpointDocs {
  /** `<resource>-<verb>`. */
  name: string;
  resource: string;
  method: "GET" | "POST";
  /** Where it answers, the documented one first. */
  paths: readonly string[];
  isBodyOptional?: boolean;
  /** Absent: it needs no key, and takes nothing. */
  input?: z.ZodMiniType;
}
