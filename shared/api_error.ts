/** The errors that endpoints answer with: a code, a status, and one sentence for the developer who has to fix the call. */

import { VARIABLES } from "./variables.ts";

/** Every code, with its status. */
export const STATUS = {
  invalid_request: 400,
  invalid_json: 400,
  ambiguous_credentials: 400,
  secret_in_args: 400,
  unauthenticated: 401,
  tenant_not_allowed: 403,
  insufficient_scope: 403,
  kernel_required: 403,
  decision_refused: 403,
  not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  server_id_taken: 409,
  tool_prefix_taken: 409,
  quota_exceeded: 409,
  version_mismatch: 412,
  payload_too_large: 413,
  unsupported_media_type: 415,
  internal: 500,
  credential_unreadable: 500,
  unavailable: 503,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** What is wrong with one field of a request. The path is empty if naming the field would echo the caller's input. */
export interface FieldError {
  path: string;
  message: string;
}

export interface ApiErrorOptions {
  fields?: FieldError[];
  /** More members of the error, besides its code and message. */
  details?: Record<string, unknown>;
  /** Extra response headers, such as `allow`. */
  headers?: Record<string, string>;
  /** Only for the log. A string is logged unchanged, so it must not contain anything from the request. */
  cause?: unknown;
}

/** An error that the caller sees. Any other error is answered as `internal`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly fields: FieldError[] | undefined;
  readonly details: Record<string, unknown> | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.status = STATUS[code];
    this.fields = options.fields;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }
}

export function ambiguousCredentials(): ApiError {
  return new ApiError(
    "ambiguous_credentials",
    "send either X-API-Key or a kernel key in Authorization: Bearer, not both",
  );
}

/** The same answer for every unknown, expired, revoked, malformed or missing key. */
export function unauthenticated(): ApiError {
  return new ApiError(
    "unauthenticated",
    "send a valid agent key in X-API-Key, or a valid kernel key in Authorization: Bearer",
    {
      headers: { "www-authenticate": "Bearer" },
    },
  );
}

/** The same answer for a tenant that does not exist and for one that the caller may not act for. */
export function tenantNotAllowed(): ApiError {
  return new ApiError("tenant_not_allowed", "this key cannot act for that tenant");
}

/** 403. `isLimited` means that the key has the scope, but not for this service. */
export function insufficientScope(scope: string | undefined, isLimited = false): ApiError {
  const message = isLimited
    ? `this key has the scope ${scope} only for certain services, not for this one`
    : `this key lacks the scope ${scope}`;
  return new ApiError("insufficient_scope", message);
}

/** 403 for an agent where only an Executor may call. */
export function kernelRequired(): ApiError {
  return new ApiError(
    "kernel_required",
    "only an Executor may call this: send its kernel key in Authorization: Bearer",
  );
}

/** 403. The reason says what is wrong with the decision, and holds nothing of it. */
export function decisionRefused(reason: string): ApiError {
  return new ApiError("decision_refused", `${reason}; send the hub's decision for this tenant and service`, {
    cause: reason,
  });
}

/** The same answer for a resource that does not exist and for one of another tenant. */
export function notFound(): ApiError {
  return new ApiError("not_found", "not found in this tenant");
}

/** 404 for a path that has no endpoint. */
export function unknownPath(): ApiError {
  return new ApiError("not_found", "this endpoint does not exist");
}

/** 405. HEAD is allowed wherever GET is. */
export function methodNotAllowed(method: "GET" | "POST"): ApiError {
  return new ApiError("method_not_allowed", `this endpoint accepts only ${method}`, {
    headers: { allow: method === "GET" ? "GET, HEAD" : method },
  });
}

export function invalidJson(): ApiError {
  return new ApiError("invalid_json", "the body must be valid JSON (RFC 8259) in UTF-8");
}

export function bodyEndedEarly(): ApiError {
  return new ApiError("invalid_json", "the body ended early; send it again");
}

export function requestTimeout(): ApiError {
  return new ApiError("request_timeout", "the body did not arrive within 10 seconds; send it again");
}

export function payloadTooLarge(maxBytes: number): ApiError {
  return new ApiError("payload_too_large", `the body must be at most ${maxBytes} bytes`);
}

export function unsupportedMediaType(): ApiError {
  return new ApiError("unsupported_media_type", "send the body as content-type: application/json");
}

export function unsupportedEncoding(): ApiError {
  return new ApiError("unsupported_media_type", "send the body without content-encoding");
}

/** 400 that names the argument and the form of the secret, such as "a GitHub token". Never the secret. */
export function secretInArgs(index: number, form: string): ApiError {
  return new ApiError(
    "secret_in_args",
    "an argument contains a secret; store it in the vault (credentials/store), and let the server " +
      "retrieve it from there (credentials/retrieve)",
    { fields: [{ path: "args", message: `args[${index}] holds ${form}` }] },
  );
}

export function serverIdTaken(): ApiError {
  return new ApiError(
    "server_id_taken",
    "this tenant already has a server with this server_id; update it, or choose another server_id",
  );
}

/** 409. The holder is a server of the same tenant. It is absent if the caller may not read servers. */
export function toolPrefixTaken(holder?: { server_id: string; tool_prefix: string } | null): ApiError {
  const other = holder ? `"${holder.tool_prefix}" of the server ${holder.server_id}` : "the prefix of another server";
  return new ApiError("tool_prefix_taken", `this tool_prefix overlaps ${other}; choose one that does not overlap`);
}

export function quotaExceeded(quota: number | undefined): ApiError {
  const message = `this tenant has reached its quota of ${quota}; delete one, or ask the operator for a larger quota`;
  return new ApiError("quota_exceeded", message, { details: { quota } });
}

export function versionMismatch(version: number | undefined): ApiError {
  return new ApiError("version_mismatch", `the server has changed and is now at version ${version}; read it again`, {
    details: { current_version: version },
    headers: { etag: `"${version}"` },
  });
}

/** 500. The cause is only for the log. */
export function internal(cause: unknown): ApiError {
  return new ApiError("internal", "the request failed; find the cause in the service's log by this request_id", {
    cause,
  });
}

/** 503. The cause tells an operator what to fix. */
export function unavailable(cause: unknown): ApiError {
  return new ApiError("unavailable", "the service is temporarily unavailable; send the request again later", { cause });
}

/** 503 of a vault without `DECISION_VERIFY_KEYS`. */
export function cannotVerifyDecisions(): ApiError {
  const { form } = VARIABLES.DECISION_VERIFY_KEYS;
  const cause = `DECISION_VERIFY_KEYS is not set, so no decision can be verified: set it to ${form}`;
  return notSetUp("this vault cannot verify decisions: its operator must set DECISION_VERIFY_KEYS", cause);
}

/** 503 of a hub without `VAULT_URL`. */
export function noVault(): ApiError {
  return notSetUp("this hub does not know its vault, so it cannot reach credentials: its operator must set VAULT_URL");
}

/** 503 of a hub without Executors. */
export function noExecutor(): ApiError {
  return notSetUp(
    "this hub has no Executor, so no server runs: its operator must set DECISION_SIGNING_KEY and EXECUTOR_URLS",
  );
}

/** The message names the variable, because no later request can succeed before it is set. */
function notSetUp(message: string, cause = message): ApiError {
  return new ApiError("unavailable", message, { cause });
}

/** 503 for a credential that was sealed with a key that is not configured. */
export function missingEncryptionKey(keyId: string | undefined): ApiError {
  return unavailable(
    `no encryption key with the id ${keyId}: add that key to CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS`,
  );
}

/** 500 for stored bytes that do not open. */
export function credentialUnreadable(keyId: string): ApiError {
  return new ApiError(
    "credential_unreadable",
    "the stored credential cannot be decrypted: its bytes were altered; store it again, and inform an operator",
    { cause: `the key ${keyId} cannot open the sealed bytes: they were altered, or belong to another row` },
  );
}

/** 400 that names one invalid field. */
export function invalidField(path: string, message: string): ApiError {
  return invalidRequest([{ path, message }]);
}

/** The largest number of faults in one answer, so that an answer does not grow with the request. */
const MAX_FIELD_ERRORS = 20;

export function invalidRequest(fields: FieldError[]): ApiError {
  return new ApiError("invalid_request", "the request is invalid; fields lists what is wrong", {
    fields: fields.slice(0, MAX_FIELD_ERRORS),
  });
}
