/** The errors that an endpoint answers with: one code, one status, one sentence for whoever must fix the call. */

/** Every code, with its status. */
export const STATUS = {
  invalid_request: 400,
  invalid_json: 400,
  ambiguous_credentials: 400,
  secret_in_args: 400,
  unauthenticated: 401,
  tenant_not_allowed: 403,
  insufficient_scope: 403,
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

/** What is wrong with one member of a request. The path is empty where naming it would echo the caller's input. */
export interface FieldError {
  path: string;
  message: string;
}

export interface ApiErrorOptions {
  fields?: FieldError[];
  /** Further members of the error, beside its code and message. */
  details?: Record<string, unknown>;
  /** Further response headers, such as `allow`. */
  headers?: Record<string, string>;
  /** For the log alone. A string is logged as it is, so it must hold nothing of the request. */
  cause?: unknown;
}

/** An error with an answer. Anything else that is thrown is answered as `internal`. */
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

/** The one answer to every unknown, expired, revoked, malformed or missing key. */
export function unauthenticated(): ApiError {
  return new ApiError("unauthenticated", "send a valid key as X-API-Key, or a kernel's as Authorization: Bearer", {
    headers: { "www-authenticate": "Bearer" },
  });
}

/** The one answer to a tenant that is unknown, or that is not the caller's. */
export function tenantNotAllowed(): ApiError {
  return new ApiError("tenant_not_allowed", "this key cannot act for that tenant");
}

/** 403; `isLimited` when the key has the scope, but not for this service. */
export function insufficientScope(scope: string | undefined, isLimited = false): ApiError {
  const message = isLimited
    ? `this key has the scope ${scope} only for certain services, and not for this one`
    : `this key lacks the scope ${scope}`;
  return new ApiError("insufficient_scope", message);
}

/** The one answer to a thing that is missing, and to another tenant's. */
export function notFound(): ApiError {
  return new ApiError("not_found", "not found in this tenant");
}

export function serverIdTaken(): ApiError {
  return new ApiError("server_id_taken", "this tenant has a server of this server_id; update it, or choose another");
}

/** 409; the holder, as far as it may be named, is a server of the same tenant. */
export function toolPrefixTaken(holder?: { server_id: string; tool_prefix: string } | null): ApiError {
  const other = holder ? `"${holder.tool_prefix}" of the server ${holder.server_id}` : "another server's";
  return new ApiError("tool_prefix_taken", `this tool_prefix overlaps ${other}; a tool must have one owner`);
}

export function quotaExceeded(quota: number | undefined): ApiError {
  const message = `this tenant has reached its quota of ${quota}; delete one, or ask the operator for a larger quota`;
  return new ApiError("quota_exceeded", message, { details: { quota } });
}

export function versionMismatch(version: number | undefined): ApiError {
  return new ApiError("version_mismatch", `the server has changed: it is at version ${version}; read it again`, {
    details: { current_version: version },
    headers: { etag: `"${version}"` },
  });
}

/** 500; the cause is for the log. */
export function internal(cause: unknown): ApiError {
  return new ApiError("internal", "the request failed; its request_id finds the cause in the service's log", { cause });
}

/** 503; the cause says what an operator must mend. */
export function unavailable(cause: unknown): ApiError {
  return new ApiError("unavailable", "the service cannot answer now; the request may be sent again later", { cause });
}

/** 503 for a credential that is sealed under a key which is not configured. */
export function missingEncryptionKey(keyId: string | undefined): ApiError {
  return unavailable(
    `no encryption key with the id ${keyId}: put that key into CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS`,
  );
}

/** 400 that names the one field at fault. */
export function invalidField(path: string, message: string): ApiError {
  return invalidRequest([{ path, message }]);
}

/** So many faults are told of one request: an answer must not grow with what is wrong. */
const MAX_FIELD_ERRORS = 20;

export function invalidRequest(fields: FieldError[]): ApiError {
  return new ApiError("invalid_request", "the request does not fit this endpoint; fields says where", {
    fields: fields.slice(0, MAX_FIELD_ERRORS),
  });
}
