/** The errors of a document: which an operation can answer, and the response for those that share a status. */

import * as z from "zod/mini";
import { whole } from "./answers.ts";
import {
  ApiError,
  type ErrorCode,
  invalidField,
  STATUS,
  tenantNotAllowed,
  unauthenticated,
  unavailable,
} from "./api_error.ts";
import { MAX_BODY_BYTES } from "./body.ts";
import { INTERNAL_MESSAGE } from "./database.ts";
import { documented, type Operation } from "./documented.ts";
import { REQUEST_ID_HEADER } from "./openapi_common.ts";
import type { JsonSchema } from "./openapi_schema.ts";
import { SECRET_IN_ARGS } from "./secret_args.ts";
import { type Face, failureBody } from "./respond.ts";

type Failure = Face["failure"];

const OF_ALL: ErrorCode[] = ["internal", "unavailable"];
const OF_KEYS: ErrorCode[] = ["invalid_request", "ambiguous_credentials", "unauthenticated", "tenant_not_allowed"];
const OF_BODIES: ErrorCode[] = ["invalid_json", "request_timeout", "payload_too_large", "unsupported_media_type"];

/** Answered to methods and paths that are no operation. */
export const OF_NO_OPERATION: ErrorCode[] = ["not_found", "method_not_allowed"];

/** What an operation can answer. */
export function errorCodesOf({ input, method, scope, errors = [] }: Operation): ErrorCode[] {
  const codes = [...OF_ALL, ...errors];
  if (input) codes.push(...OF_KEYS);
  if (method === "POST") codes.push(...OF_BODIES);
  if (scope !== undefined) codes.push("insufficient_scope");
  return codes;
}

/** The codes by their status. */
export function byStatus(codes: readonly ErrorCode[]): Map<number, ErrorCode[]> {
  return Map.groupBy(codes, (code) => STATUS[code]);
}

/** Members whose text is always the same. */
export function literals(members: Record<string, string>): Record<string, z.ZodMiniType> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, z.literal(value)]));
}

/** The response of a status, whichever of the codes it has. */
export function errorResponse(failure: Failure, codes: readonly ErrorCode[], schema: JsonSchema) {
  const samples = codes.map((code) => sampleErrors()[code]);
  const examples = samples.map((sample) => [sample.code, { value: failureBody({ failure }, sample, "trace-1") }]);
  return {
    description: samples.map(({ code, message }) => `\`${code}\`: ${message}`).join("\n\n"),
    headers: { ...REQUEST_ID_HEADER, ...Object.assign({}, ...samples.map(headersOf)) },
    content: { "application/json": { schema, examples: Object.fromEntries(examples) } },
  };
}

/** The body of an error that has one of these codes. */
export function errorSchema(failure: Failure, codes: readonly ErrorCode[]): z.ZodMiniType {
  const field = z.strictObject({ path: z.string(), message: z.string() });
  const fields = documented(z.array(field), {
    description: "with invalid_request: what is wrong where; the path is empty where it is no name of ours",
  });
  const version = whole(1, { description: "the version that the server is at" });
  const error = z.strictObject({
    code: z.enum(codes),
    message: documented(z.string(), { description: "what is wrong, and how to mend it" }),
    ...(codes.includes("invalid_request") && { fields: z.optional(fields) }),
    ...(codes.includes("version_mismatch") && { current_version: version }),
  });
  return z.strictObject({ ok: z.literal(false), ...literals(failure), error, request_id: z.string() });
}

function headersOf({ headers }: ApiError) {
  const documentedHeaders = Object.entries(headers).map(([name, value]) => [
    name,
    { required: true, schema: { type: "string", examples: [value] } },
  ]);
  return Object.fromEntries(documentedHeaders);
}

/** One of each, whose message says what it means. */
function sampleErrors(): Record<ErrorCode, ApiError> {
  const changed = { headers: { etag: '"4"' }, details: { current_version: 4 } };
  const sample = (code: ErrorCode, message: string, options = {}) => new ApiError(code, message, options);
  return {
    invalid_request: invalidField("server_id", "is required"),
    invalid_json: sample("invalid_json", "the body must be JSON (RFC 8259), in UTF-8"),
    ambiguous_credentials: sample("ambiguous_credentials", "send a key of one kind, not of both"),
    secret_in_args: sample("secret_in_args", SECRET_IN_ARGS, {
      fields: [{ path: "args", message: "args[1] holds a GitHub token" }],
    }),
    unauthenticated: unauthenticated(),
    tenant_not_allowed: tenantNotAllowed(),
    insufficient_scope: sample("insufficient_scope", "this key lacks the scope, or has it for other services alone"),
    not_found: sample("not_found", "this tenant has none such, or there is no such endpoint"),
    method_not_allowed: sample("method_not_allowed", "this endpoint answers POST", { headers: { allow: "POST" } }),
    request_timeout: sample("request_timeout", "the body did not arrive within 10 seconds; send it again"),
    server_id_taken: sample("server_id_taken", "this tenant has a server of this server_id"),
    tool_prefix_taken: sample(
      "tool_prefix_taken",
      "this tool_prefix overlaps another server's; a tool must have one owner",
    ),
    version_mismatch: sample("version_mismatch", "the server has changed: it is at version 4; read it again", changed),
    payload_too_large: sample("payload_too_large", `the body must be at most ${MAX_BODY_BYTES} bytes`),
    unsupported_media_type: sample("unsupported_media_type", "send the body as content-type: application/json"),
    internal: sample("internal", INTERNAL_MESSAGE),
    credential_unreadable: sample("credential_unreadable", "the stored credential cannot be opened; store it again"),
    unavailable: unavailable(undefined),
  };
}
