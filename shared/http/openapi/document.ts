/**
 * The OpenAPI 3.1 document of a project, made from the zod schemas that its endpoints use: what a request must be, and
 * every answer that comes of it. Functions serve the file that the build writes of it, and hold nothing of this.
 */

import * as z from "zod/mini";
import { documented, type Operation } from "../../schema/annotate.ts";
import { COMMON_COMPONENTS, REQUEST_ID_HEADER, REQUEST_ID_PARAMETER } from "./common.ts";
import { addErrors, errorReference } from "./errors.ts";
import type { Components } from "./names.ts";
import { pathsOf } from "./operation.ts";
import { linked } from "./schema.ts";
import type { ApiInfo } from "../respond.ts";

/** Of the HTTP interface of both projects, by semantic versioning. */
const VERSION = "1.0.0";

const OPENAPI = "3.1.0";

const CONVENTIONS = [
  "A field or a parameter that is not described here is refused, and so is one that is given twice.",
  "Every path answers any other method with 405 `method_not_allowed`, and any other path is answered with 404 `not_found`.",
  "A request that was answered with 503 may be sent again later.",
  "Lengths of text are in code points.",
  "An operation whose id ends in `Function` is the same as the one without that ending, at the path of the function of that name.",
];

/** A project as its document needs it. */
export interface DocumentedProject {
  face: ApiInfo;
  /** Whose router serves the document. */
  resource: string;
  /** What each of its resources is. */
  tags: Record<string, string>;
  operations: readonly Operation[];
}

/** The document that is served as `/<resource>/openapi.json`. */
export function openApi({ face, resource, tags, operations: own }: DocumentedProject): unknown {
  const { title, description, failure } = face;
  const operations = [...own, healthOf(resource)];
  const components: Components = { schemas: {}, responses: {}, examples: {} };
  addErrors(failure, operations, components);
  errorReference("", 404, ["not_found"], components);
  errorReference("", 405, ["method_not_allowed"], components);
  const paths = operations.flatMap((operation) => pathsOf(face, operation, operations, components));
  return linked({
    openapi: OPENAPI,
    info: { title, version: VERSION, description: [description, ...CONVENTIONS].join(" ") },
    servers: [{ url: "/functions/v1" }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: { ...Object.fromEntries(paths), [`/${resource}/openapi.json`]: itself(face, resource, components) },
    components: { ...components, ...COMMON_COMPONENTS },
  });
}

function healthOf(resource: string): Operation {
  return {
    name: `${resource}-health`,
    resource,
    method: "GET",
    paths: [`/${resource}/health`],
    summary: "Check health",
    description: "Answers 200 when the configuration is valid and the database answers, else 503. Needs no key.",
    data: documented(z.object({ healthy: z.literal(true) }), { id: "Health" }),
  };
}

/** The path item of the document. */
function itself({ title }: ApiInfo, resource: string, components: Components): object {
  components.schemas.OpenApiDocument = {
    type: "object",
    properties: { openapi: { type: "string", const: OPENAPI } },
    required: ["openapi"],
    additionalProperties: true,
  };
  const schema = { $ref: "#/components/schemas/OpenApiDocument" };
  return {
    get: {
      operationId: "openapi",
      summary: "Get this document",
      description: `Describes ${title} in OpenAPI ${OPENAPI}. Needs no key.`,
      tags: [resource],
      security: [],
      parameters: [REQUEST_ID_PARAMETER],
      responses: {
        200: { description: "this document", headers: REQUEST_ID_HEADER, content: { "application/json": { schema } } },
        500: errorReference("", 500, ["internal"], components),
      },
    },
  };
}
