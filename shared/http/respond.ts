/** Turns the outcome of a request into a response and one log line. */

import { ApiError, internal, methodNotAllowed } from "../api_error.ts";
import { type Actor, describeCause, logRequest } from "../request_log.ts";

/** A project as callers see it. */
export interface ApiInfo {
  /** For the OpenAPI document. */
  readonly title: string;
  readonly description: string;
  /** Members of every answer, besides `ok`. */
  readonly success: Record<string, string>;
  readonly failure: Record<string, string>;
}

/** What all endpoints of a project share. */
export interface Project<Environment> extends ApiInfo {
  /** Read once per isolate. */
  readonly environment: () => Promise<Environment>;
}

/** What an `index.ts` exports: the edge runtime and `deno serve` both take it. */
export interface Handler {
  fetch(request: Request): Promise<Response>;
}

/** A request before any check. */
export interface RequestContext {
  request: Request;
  url: URL;
  requestId: string;
  noteCaller: (caller: Actor) => void;
}

export interface Answer {
  status: number;
  /** If `data` and `json` are absent, the answer has no body. */
  data?: unknown;
  /** The whole body as JSON text, instead of `data`. */
  json?: string;
  /** A body that is passed on while it arrives, instead of `data`. The request is logged when it has ended, with why. */
  stream?: { body: ReadableStream<Uint8Array>; ended: Promise<Answer["error"]> };
  /** Only for the log: an error that is told in another form than the project's. */
  error?: { code: string; cause?: unknown };
  /** Extra response headers. */
  headers?: Record<string, string>;
}

/** Runs `answer`, and turns its result or its error into the response and the log line. */
export async function respond<Environment>(
  project: Project<Environment>,
  functionName: string,
  request: Request,
  answer: (context: RequestContext) => Promise<Answer>,
): Promise<Response> {
  const startedAt = performance.now();
  const requestId = readRequestId(request.headers);
  let actor: Actor | undefined;
  const log = (status: number, error?: Answer["error"]) =>
    logRequest({
      requestId,
      function: functionName,
      actor,
      status,
      startedAt,
      ...(error && { code: error.code }),
      ...(error?.cause !== undefined && { cause: describeCause(error.cause) }),
    });
  try {
    const noteCaller = (caller: Actor) => actor = caller;
    const context = { request, url: new URL(request.url), requestId, noteCaller };
    const { status, data, json, stream, headers, error } = await answer(context);
    const body = data === undefined ? json : JSON.stringify(successBody(project, data));
    const response = toResponse(status, stream?.body ?? body, requestId, headers);
    if (stream === undefined) log(status, error);
    else void stream.ended.then((endError) => log(status, endError ?? error));
    return response;
  } catch (thrown) {
    const error = thrown instanceof ApiError ? thrown : internal(thrown);
    log(error.status, error);
    return toResponse(error.status, JSON.stringify(failureBody(project, error, requestId)), requestId, error.headers);
  }
}

export function successBody({ success }: Pick<ApiInfo, "success">, data: unknown) {
  return { ok: true, ...success, data };
}

export function failureBody({ failure }: Pick<ApiInfo, "failure">, error: ApiError, requestId: string) {
  const { code, message, fields, details } = error;
  return { ok: false, ...failure, error: { code, message, fields, ...details }, request_id: requestId };
}

/** HEAD is allowed wherever GET is; the server omits the body. @throws {ApiError} `method_not_allowed` */
export function requireMethod(request: Request, method: "GET" | "POST"): void {
  const isHead = method === "GET" && request.method === "HEAD";
  if (request.method !== method && !isHead) throw methodNotAllowed(method);
}

function readRequestId(headers: Headers): string {
  const given = headers.get("x-request-id") ?? "";
  return REQUEST_ID_FORM.test(given) ? given : crypto.randomUUID();
}

export const REQUEST_ID_FORM = /^[A-Za-z0-9_.:-]{1,128}$/;

function toResponse(
  status: number,
  body: string | ReadableStream<Uint8Array> | undefined,
  requestId: string,
  headers: Record<string, string> = {},
): Response {
  return new Response(body ?? null, {
    status,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...headers,
    },
  });
}
