/**
 * The Executor over HTTP: MCP at `/mcp` (Streamable HTTP, stateless), `/end` for a server that was disabled, deleted or
 * given another credential, `/status` and `/health`. All but the last want a decision, as `Authorization: Bearer`, which is
 * good for one body, once.
 */

import { BodyRefused, readBody, requireBody } from "./body.ts";
import { type Decision, DecisionRefused, verifyDecision } from "shared/decision/decision.ts";
import { CALL_METHODS, LIST_METHODS } from "shared/mcp/methods.ts";
import { type Allowed, makeMcpHandler, type McpHandler, type McpOptions } from "./mcp.ts";
import type { Replays } from "./replays.ts";
import { statusOf } from "./status.ts";

const MAX_BODY_BYTES = 4 * 2 ** 20;
const BODY_MS = 10_000;

export interface EndpointOptions extends McpOptions {
  verifyKeys: readonly CryptoKey[];
  replays: Replays;
  /** Takes one line of the log. */
  log: (line: string) => void;
  /** Whether it can serve. */
  isReady: () => boolean;
}

/** What the log tells of a request: names and ids, never an argument, a result or a credential. */
interface Entry {
  path: string;
  method: string | undefined;
  decision: Decision | undefined;
  allowed: Allowed | undefined;
  cause: string | undefined;
  begun: number;
}

const METHOD_OF: ReadonlyMap<string, "GET" | "POST"> = new Map([["/mcp", "POST"], ["/end", "POST"], [
  "/status",
  "GET",
]]);

/** What the log may call a request's JSON-RPC method: other names are the caller's words. */
const METHODS: ReadonlySet<string> = new Set([
  "initialize",
  "notifications/cancelled",
  "notifications/initialized",
  "ping",
  "server/discover",
  ...CALL_METHODS,
  ...LIST_METHODS,
]);

/** What an MCP client of the revisions of 2025 must accept. */
const ACCEPTED = ["application/json", "text/event-stream"];

export function makeEndpoint(options: EndpointOptions): (request: Request) => Promise<Response> {
  const handler = makeMcpHandler(options);
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/health") return health(options.isReady());
    const path = METHOD_OF.has(pathname) ? pathname : "other";
    const entry: Entry = {
      path,
      method: undefined,
      decision: undefined,
      allowed: undefined,
      cause: undefined,
      begun: performance.now(),
    };
    const response = await answer(options, handler, request, entry);
    return tellOutcome(response, entry, () => options.log(lineOf(entry, response.status)));
  };
}

async function answer(
  options: EndpointOptions,
  handler: McpHandler,
  request: Request,
  entry: Entry,
): Promise<Response> {
  try {
    const allowed = METHOD_OF.get(entry.path);
    if (allowed === undefined) return problem(404, "there is /mcp, /end, /status and /health");
    if (request.method !== allowed) return problem(405, `use ${allowed}`, { allow: allowed });
    const token = /^Bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined) throw new DecisionRefused("there is no decision");
    const decision = await verifyDecision(token, options.verifyKeys);
    const body = await readBody(request, MAX_BODY_BYTES, BODY_MS);
    requireBody(decision, body);
    options.replays.use(decision);
    entry.decision = decision;
    if (entry.path === "/status") return status(options, decision);
    if (entry.path === "/end") return await end(options, decision);
    entry.allowed = { decision, token, outcome: "refused" };
    return await answerMcp(handler, request, body, entry.allowed, entry);
  } catch (error) {
    return refuse(error, entry);
  }
}

function refuse(error: unknown, entry: Entry): Response {
  if (error instanceof DecisionRefused) {
    entry.cause = error.message;
    // Which check failed is only in the log: a caller without a decision learns nothing.
    return problem(401, "this address wants a valid decision of the hub", { "www-authenticate": "Bearer" });
  }
  if (error instanceof BodyRefused) return problem(error.status, error.message);
  entry.cause = error instanceof Error ? `${error.name} ${error.stack?.split("\n")[1]?.trim() ?? ""}` : "unknown";
  return problem(500, "the Executor failed: its log has the cause");
}

async function answerMcp(
  handler: McpHandler,
  request: Request,
  body: Uint8Array<ArrayBuffer>,
  allowed: Allowed,
  entry: Entry,
): Promise<Response> {
  const message = parse(body);
  if (message === undefined) return problem(400, "the body must be one JSON-RPC message, and no batch", {}, -32700);
  const { method, id } = message;
  if (typeof method === "string") entry.method = METHODS.has(method) ? method : "other";
  if (method === "subscriptions/listen") {
    return problem(200, "the Executor has no subscriptions: the hub has", {}, -32601, id);
  }
  return await handler(acceptingBoth(request), message, allowed);
}

/** As the revisions of 2025 need it, whatever the client can read. To copy a request takes as long as to verify a decision. */
function acceptingBoth(request: Request): Request {
  const accept = request.headers.get("accept") ?? "";
  if (ACCEPTED.every((type) => accept.includes(type))) return request;
  const headers = new Headers(request.headers);
  headers.set("accept", ACCEPTED.join(", "));
  return new Request(request.url, { method: "POST", headers, signal: request.signal });
}

function parse(body: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function status({ supervisor }: EndpointOptions, { tenant_id }: Decision): Response {
  return Response.json({ ok: true, data: { servers: supervisor.slots(tenant_id).map(statusOf) } }, {
    headers: NO_STORE,
  });
}

/** A decision with a tool is for a call: it ends nothing. */
async function end({ supervisor }: EndpointOptions, { tenant_id, server, tool }: Decision): Promise<Response> {
  if (server === undefined || tool !== undefined) return problem(400, "the decision names no server to end");
  const ended = await supervisor.end(tenant_id, server.id);
  return Response.json({ ok: true, data: { server_id: server.server_id, ended } }, { headers: NO_STORE });
}

function health(isReady: boolean): Response {
  return Response.json({ ok: isReady }, { status: isReady ? 200 : 503, headers: NO_STORE });
}

const NO_STORE = { "cache-control": "no-store" };

/** A JSON-RPC error: an MCP client shows its sentence, whatever the status is. */
function problem(
  status: number,
  message: string,
  headers: Record<string, string> = {},
  code = -32600,
  id: unknown = null,
): Response {
  const body = {
    jsonrpc: "2.0",
    id: typeof id === "string" || typeof id === "number" ? id : null,
    error: { code, message },
  };
  return Response.json(body, { status, headers: { ...NO_STORE, ...headers } });
}

/**
 * Tells the hub what came of a request, which is known when it has ended: in the header `x-outcome`, or in a comment at the
 * end of a stream, which MCP clients pass over. A stream without one did not come to its end. Then the act runs.
 */
function tellOutcome(response: Response, { allowed }: Entry, act: () => void): Response {
  if (response.headers.get("content-type") !== "text/event-stream") {
    act();
    if (allowed !== undefined) response.headers.set("x-outcome", allowed.outcome);
    return response;
  }
  if (response.body === null) return response;
  const watch = new TransformStream<Uint8Array, Uint8Array>({
    flush(controller) {
      controller.enqueue(new TextEncoder().encode(`: outcome ${allowed?.outcome}\n\n`));
      act();
    },
    cancel: act,
  });
  return new Response(response.body.pipeThrough(watch), response);
}

function lineOf({ path, method, decision, allowed, cause, begun }: Entry, status: number): string {
  return JSON.stringify({
    time: new Date().toISOString(),
    request_id: decision?.jti ?? null,
    path,
    method,
    tenant_id: decision?.tenant_id ?? null,
    actor_kind: decision?.actor.kind ?? null,
    actor_id: decision?.actor.id ?? null,
    server_id: decision?.server?.server_id,
    tool: decision?.tool,
    status,
    outcome: allowed?.outcome,
    ms: Math.round((performance.now() - begun) * 10) / 10,
    cause,
  });
}
