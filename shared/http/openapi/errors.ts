/** The errors in a document: the codes of each operation, and one response for the codes that share a status. */

import * as z from "zod/mini";
import { integer } from "../../schema/response_fields.ts";
import {
  ambiguousCredentials,
  ApiError,
  credentialUnreadable,
  decisionRefused,
  type ErrorCode,
  internal,
  invalidField,
  invalidJson,
  kernelRequired,
  methodNotAllowed,
  payloadTooLarge,
  quotaExceeded,
  requestTimeout,
  secretInArgs,
  serverIdTaken,
  STATUS,
  tenantNotAllowed,
  toolPrefixTaken,
  unauthenticated,
  unavailable,
  unsupportedMediaType,
  versionMismatch,
} from "../../api_error.ts";
import { MAX_BODY_BYTES } from "../body.ts";
import { documented, type Operation } from "../../schema/annotate.ts";
import { REQUEST_ID_HEADER } from "./common.ts";
import { type Components, pascalCase } from "./names.ts";
import { reference } from "./schema.ts";
import { type ApiInfo, failureBody } from "../respond.ts";

type Failure = ApiInfo["failure"];
type Status = (typeof STATUS)[ErrorCode];

const RESPONSE_NAMES: Record<Status, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  408: "RequestTimeout",
  409: "Conflict",
  412: "PreconditionFailed",
  413: "ContentTooLarge",
  415: "UnsupportedMediaType",
  500: "InternalServerError",
  503: "ServiceUnavailable",
};

const OF_ALL: ErrorCode[] = ["internal", "unavailable"];
const OF_KEYS: ErrorCode[] = ["invalid_request", "ambiguous_credentials", "unauthenticated", "tenant_not_allowed"];
const OF_BODIES: ErrorCode[] = ["invalid_json", "request_timeout", "payload_too_large", "unsupported_media_type"];

/** Answers to methods and paths that have no operation. */
export const OF_NO_OPERATION: ErrorCode[] = ["not_found", "method_not_allowed"];

/** What an operation can answer. */
function errorCodesOf({ input, method, scope, errors = [] }: Operation): ErrorCode[] {
  const codes = [...OF_ALL, ...errors];
  if (input) codes.push(...OF_KEYS);
  if (method === "POST") codes.push(...OF_BODIES);
  if (scope !== undefined) codes.push("insufficient_scope");
  return codes;
}

/** The codes by their status. */
function byStatus(codes: readonly ErrorCode[]): Map<Status, ErrorCode[]> {
  return Map.groupBy(codes, (code) => STATUS[code]);
}

/**
 * References to the error responses of an operation, by status. The response that most operations share has the name of
 * its status. An operation with other codes has a separate response.
 */
export function errorsOf(operation: Operation, operations: readonly Operation[], components: Components): object {
  const responses = [...byStatus(errorCodesOf(operation))].map(([status, codes]) => {
    const isUsual = codes.join() === usualCodes(status, operations);
    return [status, errorReference(isUsual ? "" : pascalCase(operation.name), status, codes, components)];
  });
  return Object.fromEntries(responses);
}

/** The codes that most operations have for a status. */
function usualCodes(status: Status, operations: readonly Operation[]): string | undefined {
  const found = operations.flatMap((operation) => byStatus(errorCodesOf(operation)).get(status)?.join() ?? []);
  const count = (codes: string) => found.filter((other) => other === codes).length;
  return found.toSorted((one, other) => count(other) - count(one))[0];
}

/** The response for a status. It has one example for each code, under the code's name. */
export function errorReference(owner: string, status: Status, codes: readonly ErrorCode[], components: Components) {
  const name = `${owner}${RESPONSE_NAMES[status]}`;
  components.responses[name] = {
    description: codes.map((code) => `\`${code}\``).join(" or "),
    headers: { ...REQUEST_ID_HEADER, ...Object.assign({}, ...codes.map((code) => headersOf(sampleErrors()[code]))) },
    content: {
      "application/json": {
        schema: { $ref: "#/components/schemas/ErrorAnswer" },
        examples: Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  };
  return { $ref: `#/components/responses/${name}` };
}

/** Adds the schema of a project's errors, and an example of each error. */
export function addErrors(failure: Failure, operations: readonly Operation[], components: Components): void {
  const known = new Set([...operations.flatMap(errorCodesOf), ...OF_NO_OPERATION]);
  const codes = Object.values(sampleErrors()).map(({ code }) => code).filter((code) => known.has(code));
  reference("ErrorAnswer", errorSchema(failure, codes), "output", components.schemas);
  for (const code of codes) {
    components.examples[code] = { value: failureBody({ failure }, sampleErrors()[code], "trace-1") };
  }
}

/** The body of an error that has one of these codes. */
function errorSchema(failure: Failure, codes: readonly ErrorCode[]): z.ZodMiniType {
  const field = documented(z.strictObject({ path: z.string(), message: z.string() }), { id: "FieldError" });
  const fields = documented(z.array(field), {
    description:
      "with invalid_request: what is wrong in which field. The path is empty if the field is not one of this API",
  });
  const version = integer(1, { description: "with version_mismatch: the server's current version" });
  const quota = integer(0, { description: "with quota_exceeded: the tenant's quota" });
  const error = z.strictObject({
    code: documented(z.enum(codes), { id: "ErrorCode", description: "the kind of error, for programs" }),
    message: documented(z.string(), { description: "what is wrong and how to fix it, for people" }),
    fields: z.optional(fields),
    ...(codes.includes("quota_exceeded") && { quota: z.optional(quota) }),
    ...(codes.includes("version_mismatch") && { current_version: z.optional(version) }),
  });
  return z.strictObject({
    ok: z.literal(false),
    ...literals(failure),
    error: documented(error, { id: "Error" }),
    request_id: documented(z.string(), { description: "the same as the header x-request-id" }),
  });
}

/** Members with a constant text. */
export function literals(members: Record<string, string>): Record<string, z.ZodMiniType> {
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, z.literal(value)]));
}

function headersOf({ headers }: ApiError) {
  const documentedHeaders = Object.entries(headers).map(([name, value]) => [
    name,
    { required: true, schema: { type: "string", examples: [value] } },
  ]);
  return Object.fromEntries(documentedHeaders);
}

/** An example of each error. */
function sampleErrors(): Record<ErrorCode, ApiError> {
  return {
    invalid_request: invalidField("server_id", "is required"),
    invalid_json: invalidJson(),
    ambiguous_credentials: ambiguousCredentials(),
    secret_in_args: secretInArgs(1, "a GitHub token"),
    unauthenticated: unauthenticated(),
    tenant_not_allowed: tenantNotAllowed(),
    insufficient_scope: new ApiError(
      "insufficient_scope",
      "this key lacks the scope, or has it only for other services",
    ),
    kernel_required: kernelRequired(),
    decision_refused: decisionRefused("the decision has expired"),
    not_found: new ApiError("not_found", "not found in this tenant, or this endpoint does not exist"),
    method_not_allowed: methodNotAllowed("POST"),
    request_timeout: requestTimeout(),
    server_id_taken: serverIdTaken(),
    tool_prefix_taken: toolPrefixTaken(),
    quota_exceeded: quotaExceeded(1000),
    version_mismatch: versionMismatch(4),
    payload_too_large: payloadTooLarge(MAX_BODY_BYTES),
    unsupported_media_type: unsupportedMediaType(),
    internal: internal(undefined),
    credential_unreadable: credentialUnreadable(""),
    unavailable: unavailable(undefined),
  };
}
