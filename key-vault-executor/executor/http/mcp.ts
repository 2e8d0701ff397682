/** The Executor as an MCP server: what a request's decision allows, answered by the servers that it names. */

import * as z from "zod/mini";
import {
  type CallToolResult,
  createMcpHandler,
  ProtocolError,
  ProtocolErrorCode,
  Server,
} from "@modelcontextprotocol/server";
import { answerCall } from "./calls.ts";
import { CALL_METHODS, CAPABILITIES, LIST_METHODS, type ListMethod, LISTS } from "shared/mcp/methods.ts";
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

/** The server checks its parameters itself. */
const PARAMS = { params: z.looseObject({}) };

function makeMcpServer(options: McpOptions, allowed: Allowed): Server {
  const server = new Server({ name: "key-vault-executor", version: "1" }, { capabilities: CAPABILITIES });
  for (const method of LIST_METHODS) {
    server.setRequestHandler(method, PARAMS, () => answerList(options, allowed, method));
  }
  for (const method of CALL_METHODS) {
    const project = (result: CallToolResult) => server.projectCallToolResult(result, undefined);
    server.setRequestHandler(
      method,
      PARAMS,
      (params, context) => answerCall(options, allowed, { method, params, context, project }),
    );
  }
  return server;
}

async function answerList({ catalog }: McpOptions, allowed: Allowed, method: ListMethod) {
  const { decision, token } = allowed;
  if (decision.servers === undefined || decision.method !== method) {
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, "the decision is not for this list");
  }
  const caller = { tenantId: decision.tenant_id, decision: token };
  const { items, leftOut } = await catalog.list(method, caller, decision.servers);
  allowed.outcome = leftOut.length === 0 ? "ok" : "left_out";
  return { [LISTS[method].items]: items, ...(leftOut.length > 0 && { _meta: { [META_LEFT_OUT]: leftOut } }) };
}
