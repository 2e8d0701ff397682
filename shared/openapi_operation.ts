/** An endpoint in a document: its parameters or body, and every answer that it can give. */

import * as z from "zod/mini";
import type { ErrorCode } from "./api_error.ts";
import type { Operation } from "./documented.ts";
import { REQUEST_ID_HEADER, REQUEST_ID_PARAMETER } from "./openapi_common.ts";
import { byStatus, errorCodesOf, errorResponse, errorSchema, literals } from "./openapi_errors.ts";
import { type Definitions, exampleOf, jsonSchema } from "./openapi_schema.ts";
import type { Face } from "./respond.ts";

/** What operations refer to. */
export interface Components {
  schemas: Definitions;
  requestBodies: Record<string, unknown>;
  responses: Record<string, unknown>;
}

/** The path items of an operation: it is the same at each of its paths. What it refers to is put among the components. */
export function pathsOf(
  project: Face,
  operation: Operation,
  components: Components,
): [path: string, item: object][] {
  const { name, resource, method, summary, scope, input } = operation;
  const id = camelCase(name);
  const scopes = scope === undefined ? [] : [scope];
  const described = {
    tags: [resource],
    security: input ? [{ agent: scopes }, { kernel: scopes }] : [],
    parameters: [...queryOf(operation, components), ...headersOf(operation)],
    ...(input && method === "POST" && { requestBody: bodyOf(id, input, operation, components) }),
    responses: { ...successesOf(project, id, operation, components), ...errorsOf(project, operation, components) },
  };
  return operation.paths.map((path, form) => [path, {
    [method.toLowerCase()]: {
      operationId: form === 0 ? id : `${id}Function`,
      summary: form === 0 ? summary : `${summary} (the function of that name)`,
      ...described,
    },
  }]);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function queryOf({ method, input }: Operation, { schemas }: Components): object[] {
  if (method !== "GET" || input === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(input, "input", schemas);
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: "query",
    required: required.includes(name),
    description,
    schema,
  }));
}

function headersOf({ reads = {} }: Operation): object[] {
  const own = Object.entries(reads).map(([name, { description, example }]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string", examples: [example] },
  }));
  return [...own, REQUEST_ID_PARAMETER];
}

function bodyOf(
  id: string,
  input: z.ZodMiniType,
  { body, example, isBodyOptional }: Operation,
  components: Components,
): object {
  const { schemas, requestBodies } = components;
  const schema = { ...jsonSchema(input, "input", schemas), ...body };
  const { tenant_id: _, ...properties } = schema.properties ?? {};
  requestBodies[id] = {
    required: !isBodyOptional,
    content: { "application/json": { schema, example: example ?? exampleOf({ ...schema, properties }, schemas) } },
  };
  return { $ref: `#/components/requestBodies/${id}` };
}

/** One response for each status; 304 has no body. */
function successesOf(project: Face, id: string, operation: Operation, { schemas, responses }: Components): object {
  const body = z.strictObject({ ok: z.literal(true), ...literals(project.success), data: operation.data });
  const schema = jsonSchema(body, "output", schemas);
  const { statuses = { 200: "success" } } = operation;
  return Object.fromEntries(
    Object.entries(statuses).map(([status, description]) => {
      responses[`${id}${status}`] = {
        description,
        headers: { ...REQUEST_ID_HEADER, ...givenHeaders(operation) },
        ...(status !== "304" && {
          content: { "application/json": { schema, example: exampleOf(schema, schemas) } },
        }),
      };
      return [status, { $ref: `#/components/responses/${id}${status}` }];
    }),
  );
}

function givenHeaders({ gives = {} }: Operation): object {
  const headers = Object.entries(gives).map(([name, { description, pattern, example }]) => [
    name,
    { description, required: true, schema: { type: "string", pattern, examples: [example] } },
  ]);
  return Object.fromEntries(headers);
}

function errorsOf({ failure }: Face, operation: Operation, components: Components): object {
  const statuses = byStatus(errorCodesOf(operation));
  return Object.fromEntries(
    [...statuses].map(([status, codes]) => [status, errorReference(failure, codes, components)]),
  );
}

/** The response for these codes, which all operations share that can answer just them. */
export function errorReference(
  failure: Face["failure"],
  codes: ErrorCode[],
  { schemas, responses }: Components,
): object {
  const name = codes.join("-or-");
  responses[name] ??= errorResponse(failure, codes, jsonSchema(errorSchema(failure, codes), "output", schemas));
  return { $ref: `#/components/responses/${name}` };
}
