/** One call of one server, as its decision allows it, in the names of the caller and of the server. */

import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  isInputRequiredResult,
  ProtocolError,
  ProtocolErrorCode,
  type ServerContext,
} from "@modelcontextprotocol/server";
import type { Allowed, McpOptions } from "./mcp.ts";
import { type CallMethod, targetOf, withTarget } from "shared/mcp/methods.ts";
import type { Decision } from "shared/decision/decision.ts";
import { type Item, prefixResult, prefixUri } from "../processes/prefix.ts";
import { Notices } from "./notices.ts";
import { ToolCallError } from "../tool_call_error.ts";

interface CallRequest {
  method: CallMethod;
  params: Record<string, unknown>;
  context: ServerContext;
  /** Gives a tool's result the form of the caller's revision. */
  project: (result: CallToolResult) => CallToolResult;
}

/** The parameters that a server gets. Others may be of extensions that nobody here knows. */
const MEMBERS: Record<CallMethod, readonly string[]> = {
  "tools/call": ["name", "arguments"],
  "prompts/get": ["name", "arguments"],
  "resources/read": ["uri"],
  "completion/complete": ["ref", "argument", "context"],
};

const META_ERROR = "key-vault-executor/error";

/** @throws {ProtocolError} */
export async function answerCall(
  { supervisor, limits }: McpOptions,
  allowed: Allowed,
  { method, params, context, project }: CallRequest,
): Promise<Item> {
  const { decision, token } = allowed;
  const { server, name } = requireTarget(decision, method, params);
  const { mcpReq } = context;
  const envelope: Record<string, unknown> = { ...mcpReq.envelope };
  const notices = new Notices(context);
  const call = {
    method,
    params: {
      ...pick(withTarget(method, params, name), MEMBERS[method]),
      ...(mcpReq.inputResponses !== undefined && { inputResponses: mcpReq.inputResponses }),
      ...(mcpReq.requestState() !== undefined && { requestState: mcpReq.requestState() }),
    },
    capabilities: envelope[CLIENT_CAPABILITIES_META_KEY],
    logLevel: notices.logLevel,
  };
  const listener = {
    onProgress: notices.passProgress.bind(notices),
    onMessage: notices.passMessage.bind(notices),
  };
  try {
    const caller = { tenantId: decision.tenant_id, decision: token };
    const result = await supervisor.use(
      caller,
      server,
      (running) => running.call(call, limits, mcpReq.signal, listener),
    );
    allowed.outcome = "isError" in result && result.isError === true ? "tool_error" : "ok";
    const isToolResult = method === "tools/call" && !isInputRequiredResult(result);
    const whole = isToolResult ? project(result as CallToolResult) : result;
    return ownToCaller(prefixResult(method, { ...whole }, server.tool_prefix));
  } catch (error) {
    allowed.outcome = error instanceof ToolCallError ? error.code : "error";
    if (error instanceof ToolCallError && method === "tools/call") return { ...failed(error) };
    throw errorFor(error, server.tool_prefix);
  }
}

/** The one call that was decided. Prefixes are compared without case, as the hub compares them. */
function requireTarget(
  { server, tool, method: decided }: Decision,
  method: CallMethod,
  params: Record<string, unknown>,
) {
  if (server === undefined || tool === undefined) throw invalid("the decision names nothing to call");
  if (decided !== method) throw invalid("the decision is for another method");
  const { kind, name } = targetOf(method, params);
  if (name !== tool) throw invalid(`the decision is for another ${kind}`);
  const { tool_prefix: prefix } = server;
  const isOwn = tool.length > prefix.length && tool.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
  if (!isOwn) throw invalid(`the ${kind} is not one of the decision's server`);
  return { server, name: tool.slice(prefix.length) };
}

function pick(params: Record<string, unknown>, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => params[name] !== undefined).map((name) => [name, params[name]]));
}

/** A server serves one tenant with its credential, so nothing that it says is for a cache that others use. */
function ownToCaller(result: Item): Item {
  return "cacheScope" in result ? { ...result, cacheScope: "private" } : result;
}

/** A tool's result that an agent reads, rather than an error that its client may hide. */
function failed({ code, message }: ToolCallError): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true, _meta: { [META_ERROR]: code } };
}

/** What is not a server's own error says no more than it must. */
function errorFor(error: unknown, prefix: string): ProtocolError {
  if (error instanceof ToolCallError) {
    return new ProtocolError(ProtocolErrorCode.InternalError, error.message, { [META_ERROR]: error.code });
  }
  if (!(error instanceof ProtocolError)) return new ProtocolError(ProtocolErrorCode.InternalError, "the call failed");
  return new ProtocolError(error.code, error.message, prefixUri(error.data, prefix));
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
