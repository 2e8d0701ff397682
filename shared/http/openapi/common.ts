/** Parts that are the same in every document, and how operations refer to them. */

import { REQUEST_ID_FORM } from "../respond.ts";

const requestId = { type: "string", examples: ["trace-1"] };

export const COMMON_COMPONENTS = {
  parameters: {
    RequestId: {
      name: "X-Request-Id",
      in: "header",
      description:
        "what the answer and the log call this request: 1 to 128 of A-Z a-z 0-9 _ . : -, else a UUID is made",
      // Without a pattern: a value of another form is replaced, so a client must not refuse it.
      schema: requestId,
    },
  },
  headers: {
    RequestId: {
      description: "what the log calls this request",
      required: true,
      schema: { ...requestId, pattern: REQUEST_ID_FORM.source },
    },
  },
  securitySchemes: {
    agent: {
      type: "apiKey",
      in: "header",
      name: "X-API-Key",
      description: "An agent's key, `mcp_…`, which acts for its own tenant.",
    },
    kernel: {
      type: "http",
      scheme: "bearer",
      bearerFormat: "krn_…",
      description:
        "A kernel's key, `krn_…`, which acts for any tenant of its organization: each request names one as " +
        "`tenant_id`, in the body of a POST or the query of a GET.",
    },
  },
};

/** Of every operation. */
export const REQUEST_ID_PARAMETER = { $ref: "#/components/parameters/RequestId" };

/** Of every answer. */
export const REQUEST_ID_HEADER = { "x-request-id": { $ref: "#/components/headers/RequestId" } };
