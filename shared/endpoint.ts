/** The HTTP boundary: from a request to a validated call, and from its outcome to a response and one log line. */

import * as z from "zod/mini";
import { ApiError, type FieldError, invalidField, invalidRequest } from "./api_error.ts";
import { readJsonText } from "./body.ts";
import { type Presented, readKey, requireTenant } from "./caller.ts";
import { INTERNAL_MESSAGE } from "./database.ts";
import * as fields from "./fields.ts";
import { nameable, parseJson } from "./json.ts";
import { type Actor, describeCause, logRequest } from "./log.ts";

/** What all endpoints of a project share. */
export interface Project<Environment> {
  /** Members beside `ok` in every answer. */
  readonly success: Record<string, unknown>;
  readonly failure: Record<string, unknown>;
  /** Read once per isolate. */
  readonly environment: () => Promise<Environment>;
}

/** A call that has passed the boundary. */
export interface Call<Environment, Input> {
  readonly environment: Environment;
  readonly input: Input;
  /** The key that was presented; SQL decides whether it is anyone's. */
  readonly caller: Presented;
  readonly headers: Headers;
  /** Tells the log line who called. */
  readonly noteCaller: (caller: Actor) => void;
}

export interface Answer {
  status: number;
  /** Absent: the answer has no body. */
  data?: unknown;
  /** Further response headers. */
  headers?: Record<string, string>;
}

export interface Definition<Environment, Shape extends Fields> {
  project: Project<Environment>;
  resource: string;
  /** Absent: the resource is the endpoint. */
  verb?: string;
  method: "GET" | "POST";
  /** The body's members (POST), or the query's parameters (GET). Others are refused. */
  fields: Shape;
  /** A rule over several fields: what is wrong, or undefined. */
  rule?: (input: Input<Shape>) => FieldError | undefined;
  answer(call: Call<Environment, Input<Shape>>): Promise<Answer>;
}

type Fields = Record<string, z.ZodMiniType>;
type Input<Shape extends Fields> = z.output<z.ZodMiniObject<Shape>>;

/** What an `index.ts` exports: the edge runtime and `deno serve` both take it. */
export interface Handler {
  fetch(request: Request): Promise<Response>;
}

/** An endpoint that answers at `/<resource>-<verb>` and at `/<resource>/<verb>`. */
export function endpoint<Environment, Shape extends Fields>(
  definition: Definition<Environment, Shape>,
): Handler {
  const { project, resource, verb, method } = definition;
  const paths = verb === undefined ? [`/${resource}`] : [`/${resource}-${verb}`, `/${resource}/${verb}`];
  const schema = z.strictObject({ ...definition.fields, tenant_id: z.optional(fields.tenantId) });

  async function answer({ request, url, requestId, noteCaller }: Arrival): Promise<Answer> {
    if (!paths.includes(url.pathname)) throw unknownPath();
    requireMethod(request, method);
    const presented = readKey(request.headers);
    const body = method === "POST" ? parseJson(await readJsonText(request)) : undefined;
    const query = readQuery(url);
    if (method === "POST" && Object.keys(query).length > 0) throw invalidRequest(unknownFields(Object.keys(query)));
    const { tenant_id, ...rest } = parse(schema, method === "POST" ? body : query) as { tenant_id?: string };
    requireTenant(presented, tenant_id);
    const input = rest as Input<Shape>;
    const fault = definition.rule?.(input);
    if (fault) throw invalidRequest([fault]);
    const environment = await project.environment();
    const caller = { ...presented, tenantId: tenant_id?.toLowerCase(), requestId };
    return await definition.answer({ environment, input, caller, headers: request.headers, noteCaller });
  }

  return { fetch: (request) => respond(project, paths[0]?.slice(1) ?? "", request, answer) };
}

/** A request as it has come, before anything of it is checked. */
export interface Arrival {
  request: Request;
  url: URL;
  requestId: string;
  noteCaller: (caller: Actor) => void;
}

/** Runs `answer` and turns whatever comes of it into the response and the log line. */
export async function respond<Environment>(
  project: Project<Environment>,
  functionName: string,
  request: Request,
  answer: (arrival: Arrival) => Promise<Answer>,
): Promise<Response> {
  const startedAt = performance.now();
  const requestId = readRequestId(request.headers);
  let actor: Actor | undefined;
  const log = (status: number, error?: ApiError) =>
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
    const { status, data, headers } = await answer({ request, url: new URL(request.url), requestId, noteCaller });
    const body = data === undefined ? undefined : { ok: true, ...project.success, data };
    const response = json(status, body, requestId, headers);
    log(status);
    return response;
  } catch (thrown) {
    const error = thrown instanceof ApiError ? thrown : new ApiError("internal", INTERNAL_MESSAGE, { cause: thrown });
    log(error.status, error);
    const { code, message, fields, details } = error;
    const body = { ok: false, ...project.failure, error: { code, message, fields, ...details }, request_id: requestId };
    return json(error.status, body, requestId, error.headers);
  }
}

/** @throws {ApiError} `method_not_allowed` */
export function requireMethod(request: Request, method: string): void {
  if (request.method === method) return;
  throw new ApiError("method_not_allowed", `this endpoint answers ${method}`, { headers: { allow: method } });
}

export function unknownPath(): ApiError {
  return new ApiError("not_found", "there is no such endpoint");
}

function readRequestId(headers: Headers): string {
  const given = headers.get("x-request-id") ?? "";
  return /^[A-Za-z0-9_.:-]{1,128}$/.test(given) ? given : crypto.randomUUID();
}

/** The query's parameters, less the one that the platform itself uses. */
function readQuery(url: URL): Record<string, string> {
  url.searchParams.delete("forceFunctionRegion");
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (query.has(name)) throw invalidField(nameable(name), "stands more than once");
    query.set(name, value);
  }
  return Object.fromEntries(query);
}

function parse(schema: z.ZodMiniType, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidRequest([{ path: "", message: "the body must be a JSON object" }]);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidRequest(
    result.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? unknownFields(issue.keys)
        : [{ path: nameable(String(issue.path[0] ?? "")), message: issue.message }]
    ),
  );
}

function unknownFields(names: string[]): FieldError[] {
  return names.map((name) => ({ path: nameable(name), message: "is not a field of this endpoint" }));
}

function json(status: number, body: unknown, requestId: string, headers: Record<string, string> = {}): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      "cache-control": "no-store",
      "x-request-id": requestId,
      ...headers,
    },
  });
}
