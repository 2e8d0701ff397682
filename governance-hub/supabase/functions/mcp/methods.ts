/** What the gateway answers to each method of MCP. */

import type { Answer } from "shared/http/respond.ts";
import type { Call } from "shared/http/endpoint.ts";
import type { HubEnvironment } from "shared/environment.ts";
import { callHub } from "../_shared/hub.ts";
import { authorization } from "./calls/authorization.ts";
import { callServer } from "./calls/call_server.ts";
import { invalidParams, McpError, METHOD_NOT_FOUND } from "./protocol/mcp_error.ts";
import { CAPABILITIES, isCallMethod, isListMethod } from "shared/mcp/methods.ts";
import { isLogLevel, LOG_LEVELS } from "shared/mcp/log_levels.ts";
import { listening } from "./listening/listen.ts";
import { listItems } from "./list_items.ts";
import { LEGACY_VERSIONS, type McpRequest, MODERN_VERSION } from "./protocol/message.ts";
import { resultOf, SERVER_INFO } from "./protocol/result.ts";

/** An MCP request with its caller, who is not authenticated yet: SQL does that. */
export interface McpCall extends Call<HubEnvironment, undefined> {
  request: McpRequest;
  /** The body. An Executor gets it unchanged. */
  text: string;
  /** Aborted when the caller leaves. */
  signal: AbortSignal;
}

/** Only this revision has a stream to tell of changes without a session. */
const MODERN_CAPABILITIES = {
  ...CAPABILITIES,
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true },
};

/** @throws {McpError} */
export async function answerRequest(call: McpCall): Promise<Answer> {
  const { method, isModern } = call.request;
  if (isCallMethod(method)) return await callServer(call, method);
  if (isListMethod(method)) return await listItems(call, method);
  if (method === "subscriptions/listen" && isModern) return await listening().listen(call);
  await callHub(call, "authorize_call", { tool: null, method: null }, authorization);
  const result = isModern ? modernResult(method) : legacyResult(call.request);
  if (result !== undefined) return resultOf(call.request, result);
  const message = !isModern && SUBSCRIBING.has(method) ? NO_STREAM : UNKNOWN;
  throw new McpError(METHOD_NOT_FOUND, message, { status: isModern ? 404 : 200, code: "method_not_found" });
}

const UNKNOWN = "this gateway does not know this method";

/** In the revisions of 2025, updates come on a stream that belongs to a session. */
const SUBSCRIBING = new Set(["resources/subscribe", "resources/unsubscribe"]);
const NO_STREAM =
  "this gateway has no sessions, so it cannot tell of updates: read the resource again when you need its current content";

function modernResult(method: string): Record<string, unknown> | undefined {
  if (method !== "server/discover") return undefined;
  return { supportedVersions: [MODERN_VERSION], capabilities: MODERN_CAPABILITIES, ttlMs: 0, cacheScope: "private" };
}

/** @throws {McpError} */
function legacyResult({ method, params }: McpRequest): Record<string, unknown> | undefined {
  if (method === "ping") return {};
  if (method === "logging/setLevel") return setLevel(params);
  if (method !== "initialize") return undefined;
  // A client with an unknown version is offered the newest one.
  const protocolVersion = LEGACY_VERSIONS.find((version) => version === params.protocolVersion) ?? LEGACY_VERSIONS[0];
  return { protocolVersion, capabilities: CAPABILITIES, serverInfo: SERVER_INFO };
}

/** Nothing is remembered, for there are no sessions: calls pass on what their server logs. */
function setLevel({ level }: McpRequest["params"]): Record<string, unknown> {
  if (!isLogLevel(level)) throw invalidParams(`params.level must be one of ${LOG_LEVELS.join(", ")}`);
  return {};
}
