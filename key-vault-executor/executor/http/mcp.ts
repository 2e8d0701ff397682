/** The Executor as an MCP server: what a request's decision allows, answered by the servers that it names. */

import {
  type CallToolResult,
  CLIENT_CAPABILITIES_META_KEY,
  createMcpHandler,
  isInputRequiredResult,
  type Progress,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { ToolCallError } from "../tool_call_error.ts";
import { MAX_PROGRESS_LENGTH, ProgressLimit } from "./progress_limit.ts";
import type { Catalog } from "../processes/catalog.ts";
import type { Decision } from "shared/decision/decision.ts";
import type { TimeLimits } from "../processes/running_server.ts";
import type { Supervisor } from "../processes/supervisor.ts";

export interface McpOptions {
  supervisor: Supervisor;
  catalog: Catalog;
  limits: TimeLimits;
}

/** A verified decision, its signed form, and what came of the request, for the log. */
export interface Allowed {
  decision: Decision;
  token: string;
  outcome: string;
}

interface ToolParameters {
  name: string;
  arguments?: Record<string, unknown> | undefined;
}

const META_ERROR = "key-vault-executor/error";
const META_LEFT_OUT = "key-vault-executor/left_out";

/** Answers one MCP message, parsed already, as its decision allows. */
export type McpHandler = (request: Request, message: unknown, allowed: Allowed) => Promise<Response>;

export function makeMcpHandler(options: McpOptions): McpHandler {
  // One handler for all requests: to make one takes as long as to verify a decision.
  const allowedOf = new WeakMap<Request, Allowed>();
  const handler = createMcpHandler(({ requestInfo }) => {
    const allowed = requestInfo && allowedOf.get(requestInfo);
    if (allowed === undefined) throw new Error("a request has no decision");
    return makeMcpServer(options, allowed);
  }, { legacy: "stateless" });
  return async (request, message, allowed) => {
    allowedOf.set(request, allowed);
    return await handler.fetch(request, { parsedBody: message });
  };
}

function makeMcpServer({ supervisor, catalog, limits }: McpOptions, allowed: Allowed): Server {
  const { decision, token } = allowed;
  const caller = { tenantId: decision.tenant_id, decision: token };
  const server = new Server({ name: "key-vault-executor", version: "1" }, { capabilities: { tools: {} } });

  server.setRequestHandler("tools/list", async () => {
    if (decision.servers === undefined) throw invalid("the decision names no servers to list");
    const { tools, leftOut } = await catalog.list(caller, decision.servers);
    allowed.outcome = leftOut.length === 0 ? "ok" : "left_out";
    return { tools, ...(leftOut.length === 0 ? {} : { _meta: { [META_LEFT_OUT]: leftOut } }) };
  });

  const limit = new ProgressLimit(performance.now());
  server.setRequestHandler("tools/call", async ({ params }, context) => {
    const { target, name } = requireTool(decision, params);
    try {
      const result = await supervisor.use(caller, target, (running) => {
        const { inputResponses } = context.mcpReq;
        const requestState = context.mcpReq.requestState<string>();
        const envelope: Record<string, unknown> = { ...context.mcpReq.envelope };
        const capabilities = envelope[CLIENT_CAPABILITIES_META_KEY];
        const call = { name, arguments: params.arguments, inputResponses, requestState, capabilities };
        return running.call(call, limits, context.mcpReq.signal, (progress) => forward(context, progress, limit));
      });
      allowed.outcome = "isError" in result && result.isError === true ? "tool_error" : "ok";
      return isInputRequiredResult(result) ? result : server.projectCallToolResult(result, undefined);
    } catch (error) {
      if (error instanceof ToolCallError) {
        allowed.outcome = error.code;
        return failed(error);
      }
      allowed.outcome = "error";
      throw error instanceof ProtocolError
        ? error
        : new ProtocolError(ProtocolErrorCode.InternalError, "the call failed");
    }
  });

  return server;
}

/** The one call that was decided. Prefixes are compared without case, as the hub compares them. */
function requireTool({ server, tool }: Decision, { name }: ToolParameters) {
  if (server === undefined || tool === undefined) throw invalid("the decision names no tool to call");
  if (name !== tool) throw invalid("the decision is for another tool");
  const { tool_prefix: prefix } = server;
  const isOwn = name.length > prefix.length && name.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase();
  if (!isOwn) throw invalid("the tool is not one of the decision's server");
  return { target: server, name: name.slice(prefix.length) };
}

/** To whoever asked for it. The call goes on if nobody listens any more. */
function forward(context: ServerContext, progress: Progress, limit: ProgressLimit): void {
  const token = context.mcpReq._meta?.progressToken;
  if (token === undefined || !limit.takes(performance.now())) return;
  const { progress: done, total, message } = progress;
  const params = {
    progress: done,
    ...(total !== undefined && { total }),
    ...(message !== undefined && { message: message.slice(0, MAX_PROGRESS_LENGTH) }),
    progressToken: token,
  };
  context.mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
}

/** A tool's result that an agent reads, rather than an error that its client may hide. */
function failed({ code, message }: ToolCallError): CallToolResult {
  return { content: [{ type: "text", text: message }], isError: true, _meta: { [META_ERROR]: code } };
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
