/** Refusals in the form of JSON-RPC, which MCP clients show to their agents. */

import * as api from "shared/api_error.ts";
import type { Id } from "./message.ts";

/** JSON-RPC's codes, and those of MCP that the gateway uses. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
export const HEADER_MISMATCH = -32020;
export const UNSUPPORTED_VERSION = -32022;

export interface McpErrorOptions {
  /** Of the HTTP answer. 200 for what a server of a tenant may answer as well. */
  status?: number;
  /** The reason in one word, for programs and for the log. */
  code?: string;
  /** More members of the error's `data`. */
  data?: Record<string, unknown>;
  /** Only for the log. */
  cause?: unknown;
}

export class McpError extends Error {
  override name = "McpError";
  readonly status: number;
  readonly code: string;
  readonly data: Record<string, unknown>;

  constructor(readonly rpcCode: number, message: string, options: McpErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.status = options.status ?? 200;
    this.code = options.code ?? "invalid_request";
    this.data = options.data ?? {};
  }
}

export function errorMessage(id: Id | null, { rpcCode, message, code, data }: McpError, requestId: string): object {
  return { jsonrpc: "2.0", id, error: { code: rpcCode, message, data: { code, request_id: requestId, ...data } } };
}

/** The caller's message is at fault. */
export function invalidParams(message: string, code?: string): McpError {
  return new McpError(INVALID_PARAMS, message, code === undefined ? {} : { code });
}

/** Not the caller's fault. The cause tells an operator what to do. */
export function failed(message: string, cause: unknown, code = "unavailable"): McpError {
  return new McpError(INTERNAL_ERROR, message, { code, cause });
}

export function noExecutor(): McpError {
  const { message } = api.noExecutor();
  return failed(message, message);
}
