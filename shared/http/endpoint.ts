/** The HTTP boundary: from a request to a validated call. */

import * as z from "zod/mini";
import { type FieldError, invalidField, invalidRequest, unknownPath } from "../api_error.ts";
import { readJsonText } from "./body.ts";
import { type PresentedKey, readKey, requireTenant } from "../auth/presented_key.ts";
import type { EndpointDocs, Operation } from "../schema/annotate.ts";
import { tenantId } from "../schema/request_fields.ts";
import { nameable, parseJson } from "./exact_json.ts";
import type { Actor } from "../request_log.ts";
import { once } from "../lazy.ts";
import { type Answer, type Handler, type Project, type RequestContext, requireMethod, respond } from "./respond.ts";

/** A call that has passed the boundary. */
export interface Call<Environment, Input> {
  readonly environment: Environment;
  readonly input: Input;
  /** Well formed, but not yet authenticated: SQL does that. */
  readonly presented: PresentedKey;
  readonly headers: Headers;
  /** Records the caller for the log line. */
  readonly noteCaller: (caller: Actor) => void;
}

export interface Definition<Environment, Shape extends Fields> {
  project: Project<Environment>;
  resource: string;
  /** If absent, the resource itself is the endpoint. */
  verb?: string;
  /** If false, the endpoint has no separate function, and answers only at `/<resource>/<verb>`. */
  isFunction?: boolean;
  method: "GET" | "POST";
  about: () => EndpointDocs;
  /** If true, a POST without a body counts as a POST of `{}`. */
  isBodyOptional?: boolean;
  /** The members of the body (POST), or the parameters of the query (GET). Any others are refused. */
  fields: () => Shape;
  /** Checks several fields together. Returns what is wrong, or undefined. */
  rule?: (input: Input<Shape>) => FieldError | undefined;
  answer(call: Call<Environment, Input<Shape>>): Promise<Answer>;
}

export type Fields = Record<string, z.ZodMiniType>;
export type Input<Shape extends Fields> = z.output<z.ZodMiniObject<Shape>>;

/** A handler with its description for the OpenAPI document. */
export interface Endpoint extends Handler {
  /** The paths at which it answers. The documented one is first. */
  readonly paths: readonly string[];
  readonly operation: () => Operation;
}

/** An endpoint that answers at `/<resource>/<verb>` and at `/<resource>-<verb>`. */
export function endpoint<Environment, Shape extends Fields>(
  definition: Definition<Environment, Shape>,
): Endpoint {
  const { project, resource, verb, method, isBodyOptional = false } = definition;
  const bodyOptions = isBodyOptional ? { whenEmpty: "{}" } : {};
  const name = verb === undefined ? resource : `${resource}-${verb}`;
  const paths = pathsOf(definition, name);
  const schema = once(() => z.strictObject({ ...definition.fields(), tenant_id: z.optional(tenantId()) }));

  async function answer({ request, url, requestId, noteCaller }: RequestContext): Promise<Answer> {
    if (!paths.includes(url.pathname)) throw unknownPath();
    requireMethod(request, method);
    const key = readKey(request.headers);
    const body = method === "POST" ? parseJson(await readJsonText(request, bodyOptions)) : undefined;
    const query = readQuery(url);
    if (method === "POST" && Object.keys(query).length > 0) throw invalidRequest(unknownFields(Object.keys(query)));
    const { tenant_id, ...rest } = parseFields(schema(), method === "POST" ? body : query) as { tenant_id?: string };
    requireTenant(key, tenant_id);
    const input = rest as Input<Shape>;
    const fault = definition.rule?.(input);
    if (fault) throw invalidRequest([fault]);
    const environment = await project.environment();
    const presented = { ...key, tenantId: tenant_id?.toLowerCase(), requestId };
    return await definition.answer({ environment, input, presented, headers: request.headers, noteCaller });
  }

  return {
    fetch: (request) => respond(project, name, request, answer),
    paths,
    operation: () => ({ ...definition.about(), name, resource, method, paths, isBodyOptional, input: schema() }),
  };
}

interface PathOptions {
  resource: string;
  verb?: string;
  isFunction?: boolean;
}

function pathsOf({ resource, verb, isFunction = true }: PathOptions, name: string): string[] {
  const own = isFunction ? [`/${name}`] : [];
  return verb === undefined ? own : [`/${resource}/${verb}`, ...own];
}

/** The parameters of the query, without the one that the platform uses. @throws {ApiError} `invalid_request` */
export function readQuery(url: URL): Record<string, string> {
  // Most requests have none. To read searchParams anyway takes a twentieth of an instance's time.
  if (url.search === "") return {};
  url.searchParams.delete("forceFunctionRegion");
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (query.has(name)) throw invalidField(nameable(name), "was given more than once");
    query.set(name, value);
  }
  return Object.fromEntries(query);
}

/** @throws {ApiError} `invalid_request`, which names each field that is wrong. */
export function parseFields(schema: z.ZodMiniType, value: unknown): unknown {
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
