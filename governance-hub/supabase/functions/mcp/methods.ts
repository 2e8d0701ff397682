/** What the gateway answers to each method of MCP. */

import type { Answer } from "shared/http/respond.ts";
import type { Call } from "shared/http/endpoint.ts";
import type { HubEnvironment } from "shared/environment.ts";
import { callHub } from "../_shared/hub.ts";
import { authorization } from "./authorization.ts";
import { callTool } from "./call_tool.ts";
import { listening } from "./listening/listen.ts";
import { listTools } from "./list_tools.ts";
import { McpError, METHOD_NOT_FOUND } from "./mcp_error.ts";
import { LEGACY_VERSIONS, type McpRequest, MODERN_VERSION } from "./message.ts";
import { resultOf, SERVER_INFO } from "./result.ts";

/** An MCP request with its caller, who is not authenticated yet: SQL does that. */
export interface McpCall extends Call<HubEnvironment, undefined> {
  request: McpRequest;
  /** The body. An Executor gets it unchanged. */
  text: string;
  /** Aborted when the caller leaves. */
  signal: AbortSignal;
}

const CAPABILITIES = { tools: {} };
/** Only this revision has a stream to tell of changes without a session. */
const MODERN_CAPABILITIES = { tools: { listChanged: true } };

/** @throws {McpError} */
export async function answerRequest(call: McpCall): Promise<Answer> {
  const { method, isModern } = call.request;
  if (method === "tools/call") return await callTool(call);
  if (method === "tools/list") return await listTools(call);
  if (method === "subscriptions/listen" && isModern) return await listening().listen(call);
  const result = isModern ? modernResult(method) : legacyResult(call.request);
  await callHub(call, "authorize_call", { tool: null, record: false }, authorization);
  if (result !== undefined) return resultOf(call.request, result);
  throw new McpError(METHOD_NOT_FOUND, "this gateway has tools only: it does not know this method", {
    status: isModern ? 404 : 200,
    code: "method_not_found",
  });
}

function modernResult(method: string): Record<string, unknown> | undefined {
  if (method !== "server/discover") return undefined;
  return { supportedVersions: [MODERN_VERSION], capabilities: MODERN_CAPABILITIES, ttlMs: 0, cacheScope: "private" };
}

/** Offers the newest version to a client with an unknown one. */
function legacyResult({ method, params }: McpRequest): Record<string, unknown> | undefined {
  if (method === "ping") return {};
  if (method !== "initialize") return undefined;
  const protocolVersion = LEGACY_VERSIONS.find((version) => version === params.protocolVersion) ?? LEGACY_VERSIONS[0];
  return { protocolVersion, capabilities: CAPABILITIES, serverInfo: SERVER_INFO };
}
