/**
 * The OpenAPI 3.1 document of a project, made from the zod schemas that its endpoints use: what a request must be, and
 * every answer that comes of it.
 */

import type { Operation } from "./documented.ts";
import { COMMON_COMPONENTS, REQUEST_ID_HEADER, REQUEST_ID_PARAMETER } from "./openapi_common.ts";
import { OF_NO_OPERATION } from "./openapi_errors.ts";
import { type Components, errorReference, pathsOf } from "./openapi_operation.ts";
import { textOf } from "./openapi_schema.ts";
import type { Face } from "./respond.ts";

/** Of the HTTP interface of both projects, by semantic versioning. */
export const VERSION = "1.0.0";

const OPENAPI = "3.1.0";

const CONVENTIONS = [
  "A field or a parameter that is not described here is refused, and so is one that stands twice.",
  "Every path answers any other method with 405 `method_not_allowed`, and any other path is answered with 404 `not_found`.",
  "A request that was answered with 503 may be sent again later.",
  "Lengths of text are in code points.",
];

/** The text of the document that is served as `/<resource>/openapi.json`. */
export function openApi(face: Face, resource: string, operations: readonly Operation[]): string {
  const { title, description, failure } = face;
  const components: Components = { schemas: {}, requestBodies: {}, responses: {} };
  const paths = operations.flatMap((operation) => pathsOf(face, operation, components));
  for (const code of OF_NO_OPERATION) errorReference(failure, [code], components);
  return textOf({
    openapi: OPENAPI,
    info: { title, version: VERSION, description: [description, ...CONVENTIONS].join(" ") },
    servers: [{ url: "/functions/v1" }],
    tags: [...new Set(operations.map(({ resource }) => resource))].map((name) => ({ name })),
    paths: { ...Object.fromEntries(paths), [`/${resource}/openapi.json`]: itself(face, resource, components) },
    components: { ...components, ...COMMON_COMPONENTS },
  });
}

/** The path item of the document. */
function itself({ title, failure }: Face, resource: string, components: Components): object {
  const schema = { type: "object", properties: { openapi: { type: "string", const: OPENAPI } }, required: ["openapi"] };
  return {
    get: {
      operationId: "openapi",
      summary: `Describes ${title}: this document`,
      tags: [resource],
      security: [],
      parameters: [REQUEST_ID_PARAMETER],
      responses: {
        200: { description: "this document", headers: REQUEST_ID_HEADER, content: { "application/json": { schema } } },
        500: errorReference(failure, ["internal"], components),
      },
    },
  };
}
