/** An endpoint in a document: its parameters or its body, and all its answers. */

import * as z from "zod/mini";
import type { Operation } from "../../schema/annotate.ts";
import { REQUEST_ID_HEADER, REQUEST_ID_PARAMETER } from "./common.ts";
import { errorsOf, literals } from "./errors.ts";
import { camelCase, type Components, pascalCase } from "./names.ts";
import { define, exampleOf, jsonSchema, reference } from "./schema.ts";
import type { ApiInfo } from "../respond.ts";

/** The same path item for each path of an operation. Adds the parts that it refers to to the components. */
export function pathsOf(
  api: ApiInfo,
  operation: Operation,
  operations: readonly Operation[],
  components: Components,
): [path: string, item: object][] {
  const { name, resource, method, summary, description, scope, input, isForKernels = false } = operation;
  const id = camelCase(name);
  const scopes = scope === undefined ? [] : [scope];
  const described = {
    summary,
    description: scope === undefined ? description : `${description} Requires the scope \`${scope}\`.`,
    tags: [resource],
    security: input ? [...(isForKernels ? [] : [{ agent: scopes }]), { kernel: scopes }] : [],
    parameters: [...queryOf(operation, components), ...headersOf(operation)],
    ...(input && method === "POST" && { requestBody: bodyOf(input, operation, components) }),
    responses: { ...successesOf(api, operation, components), ...errorsOf(operation, operations, components) },
  };
  return operation.paths.map((path, form) => [path, {
    [method.toLowerCase()]: { operationId: form === 0 ? id : `${id}Function`, ...described },
  }]);
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
  const own = Object.entries(reads).map(([name, { description, pattern, example }]) => ({
    name,
    in: "header",
    description,
    schema: { type: "string", pattern, examples: [example] },
  }));
  return [...own, REQUEST_ID_PARAMETER];
}

function bodyOf(input: z.ZodMiniType, operation: Operation, { schemas }: Components): object {
  const { name, body, example, isBodyOptional } = operation;
  const refer = (one: z.ZodMiniType) => reference(`${pascalCase(name)}Request`, one, "input", schemas);
  const schema = body ? define(body.name, { oneOf: body.oneOf.map(refer) }, schemas) : refer(input);
  return {
    required: !isBodyOptional,
    content: { "application/json": { schema, example: example ?? bodyExample(input) } },
  };
}

/** The body of an agent, which does not need to name its tenant. */
function bodyExample(input: z.ZodMiniType): unknown {
  const definitions = {};
  const { properties: { tenant_id: _, ...properties } = {}, ...schema } = jsonSchema(input, "input", definitions);
  return exampleOf({ ...schema, properties }, definitions);
}

/** One response for each status; 304 has no body. */
function successesOf(api: ApiInfo, operation: Operation, { schemas, responses }: Components): object {
  const { statuses = { 200: "success" } } = operation;
  const name = pascalCase(operation.name);
  const body = z.strictObject({ ok: z.literal(true), ...literals(api.success), data: operation.data });
  const schema = reference(`${name}Answer`, body, "output", schemas);
  return Object.fromEntries(
    Object.entries(statuses).map(([status, description]) => {
      responses[`${name}${status}`] = {
        description,
        headers: { ...REQUEST_ID_HEADER, ...givenHeaders(operation) },
        ...(status !== "304" && {
          content: { "application/json": { schema, example: exampleOf(schema, schemas) } },
        }),
      };
      return [status, { $ref: `#/components/responses/${name}${status}` }];
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
