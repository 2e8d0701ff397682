/** Parts that every document has, and references to them. */

import { REQUEST_ID_FORM } from "../respond.ts";

const requestId = { type: "string", examples: ["trace-1"] };

export const COMMON_COMPONENTS = {
  parameters: {
    RequestId: {
      name: "X-Request-Id",
      in: "header",
      description:
        "the request's id in the answer and the log: 1 to 128 of A-Z a-z 0-9 _ . : -. Any other value is replaced by a UUID",
      // No pattern: a value of another form is replaced, so a client must not refuse it.
      schema: requestId,
    },
  },
  headers: {
    RequestId: {
      description: "the id of this request in the log",
      required: true,
      schema: { ...requestId, pattern: REQUEST_ID_FORM.source },
    },
  },
  securitySchemes: {
    agent: {
      type: "apiKey",
      in: "header",
      name: "X-API-Key",
      description: "An agent's key, `mcp_…`. It acts for its own tenant.",
    },
    kernel: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "krn_…",
      description:
        "A kernel's key, `krn_…`. It acts for any tenant of its organization. Each request must name the tenant as " +
        "`tenant_id`, in the body of a POST or the query of a GET.",
    },
  },
};

/** A parameter of every operation. */
export const REQUEST_ID_PARAMETER = { $ref: "#/components/parameters/RequestId" };

/** A header of every answer. */
export const REQUEST_ID_HEADER = { "x-request-id": { $ref: "#/components/headers/RequestId" } };
