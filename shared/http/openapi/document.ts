/**
 * Generates the OpenAPI 3.1 document of a project from the zod schemas of its endpoints: the requests that they accept,
 * and all their answers. The build writes it to a file. The functions serve that file, and do not contain this code.
 */

import * as z from "zod/mini";
import { documented, type Operation } from "../../schema/annotate.ts";
import { COMMON_COMPONENTS, REQUEST_ID_HEADER, REQUEST_ID_PARAMETER } from "./common.ts";
import { addErrors, errorReference } from "./errors.ts";
import type { Components } from "./names.ts";
import { pathsOf } from "./operation.ts";
import { linked } from "./schema.ts";
import type { ApiInfo } from "../respond.ts";

/** The semantic version of both projects' HTTP interface. */
const VERSION = "1.0.0";

const OPENAPI = "3.1.0";

const CONVENTIONS = [
  "Fields and parameters that are not described here are refused, and so are duplicates.",
  "Any other method of a path is answered with 405 `method_not_allowed`, and any other path with 404 `not_found`.",
  "After a 503, send the request again later.",
  "Lengths of text are in code points.",
  "An operation whose id ends in `Function` is the same operation at the path of its own function.",
];

/** The parts of a project that the document describes. */
export interface DocumentedProject {
  api: ApiInfo;
  /** The resource whose router serves the document. */
  resource: string;
  /** A description of each resource. */
  tags: Record<string, string>;
  operations: readonly Operation[];
}

/** The document that is served as `/<resource>/openapi.json`. */
export function openApi({ api, resource, tags, operations: own }: DocumentedProject): unknown {
  const { title, description, failure } = api;
  const operations = [...own, healthOf(resource)];
  const components: Components = { schemas: {}, responses: {}, examples: {} };
  addErrors(failure, operations, components);
  errorReference("", 404, ["not_found"], components);
  errorReference("", 405, ["method_not_allowed"], components);
  const paths = operations.flatMap((operation) => pathsOf(api, operation, operations, components));
  return linked({
    openapi: OPENAPI,
    info: { title, version: VERSION, description: [description, ...CONVENTIONS].join(" ") },
    servers: [{ url: "/functions/v1" }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths: { ...Object.fromEntries(paths), [`/${resource}/openapi.json`]: itself(api, resource, components) },
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
    description: "Answers 200 if the configuration is valid and the database answers, otherwise 503. Needs no key.",
    data: documented(z.object({ healthy: z.literal(true) }), { id: "Health" }),
  };
}

/** The path item of the document itself. */
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
