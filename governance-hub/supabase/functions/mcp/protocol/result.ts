/** A result of the gateway's own, in the form of the request's revision. */

import type { Answer } from "shared/http/respond.ts";
import type { McpRequest } from "./message.ts";

export const SERVER_INFO = { name: "governance-hub", version: "1" };

export interface Result extends Record<string, unknown> {
  _meta?: Record<string, unknown>;
}

export function resultOf(request: McpRequest, result: Result): Answer {
  return { status: 200, json: JSON.stringify(resultMessage(request, result)) };
}

export function resultMessage({ id, isModern }: McpRequest, result: Result): object {
  const whole = isModern ? { ...result, resultType: "complete", _meta: { ...result._meta, ...FROM } } : result;
  return { jsonrpc: "2.0", id, result: whole };
}

const FROM = { "io.modelcontextprotocol/serverInfo": SERVER_INFO };
