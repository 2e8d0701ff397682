/**
 * Reads a JSON-RPC message of MCP, of the revision 2026-07-28 ("modern": each request names its revision and carries its
 * method in headers too) or of an older one.
 */

import {
  HEADER_MISMATCH,
  INVALID_PARAMS,
  INVALID_REQUEST,
  McpError,
  PARSE_ERROR,
  UNSUPPORTED_VERSION,
} from "./mcp_error.ts";
import { isMembers } from "shared/mcp/methods.ts";

export const MODERN_VERSION = "2026-07-28";
/** The newest first. */
export const LEGACY_VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];

const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_KEY = "io.modelcontextprotocol/clientCapabilities";

/** What the header `Mcp-Name` repeats, by method. */
const NAME_MEMBERS: ReadonlyMap<string, string> = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
]);

export type Id = string | number;
type Members = Record<string, unknown>;

export interface McpRequest {
  id: Id;
  method: string;
  params: Members;
  isModern: boolean;
}

/** A message that could be read, with its id, even if it is refused. */
export interface Message {
  id: Id | null;
  members: Members;
}

/** @throws {McpError} */
export function parseMessage(text: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new McpError(PARSE_ERROR, "the body must be one JSON-RPC message in JSON", {
      status: 400,
      code: "invalid_json",
    });
  }
  if (Array.isArray(value)) throw invalid("batches are not supported: send each message in its own request");
  if (!isMembers(value)) throw invalid("the body must be one JSON-RPC message");
  return { id: isId(value.id) ? value.id : null, members: value };
}

/** The request in a message, or undefined for a notification or an answer, which want no answer. @throws {McpError} */
export function readRequest({ id, members }: Message, headers: Headers): McpRequest | undefined {
  const { jsonrpc, method, params = {} } = members;
  if (jsonrpc !== "2.0") throw invalid('a message must have "jsonrpc": "2.0"');
  if (method === undefined && ("result" in members || "error" in members)) return undefined;
  if (typeof method !== "string") throw invalid("a message must have a method");
  if (!isMembers(params)) throw invalid("params must be an object");
  if (!("id" in members)) {
    if (method.startsWith("notifications/")) return undefined;
    throw invalid('a request must have an "id", or nothing could answer it: add "id": 1');
  }
  if (id === null) throw invalid("the id must be a string or a whole number");
  return { id, method, params, isModern: readIsModern(method, params, headers) };
}

/** Whether the message is of revision 2026-07-28. Its headers must agree with the body. @throws {McpError} */
function readIsModern(method: string, params: Members, headers: Headers): boolean {
  const header = headers.get("mcp-protocol-version")?.trim();
  const meta = isMembers(params._meta) ? params._meta : {};
  const version = meta[VERSION_KEY];
  if (version === undefined && header !== MODERN_VERSION) {
    if (header === undefined || LEGACY_VERSIONS.includes(header)) return false;
    throw unsupported(header, [MODERN_VERSION, ...LEGACY_VERSIONS]);
  }
  const missing = [VERSION_KEY, CAPABILITIES_KEY].filter((key) => meta[key] === undefined);
  if (missing.length > 0) {
    throw new McpError(INVALID_PARAMS, `params._meta must have ${missing.join(", ")}`, {
      status: 400,
      data: { envelope: { missing } },
    });
  }
  if (header !== version) throw mismatch("MCP-Protocol-Version", VERSION_KEY);
  if (version !== MODERN_VERSION) throw unsupported(typeof version === "string" ? version : "", [MODERN_VERSION]);
  if (headers.get("mcp-method")?.trim() !== method) throw mismatch("Mcp-Method", "method");
  const member = NAME_MEMBERS.get(method);
  if (member !== undefined && readName(headers) !== params[member]) throw mismatch("Mcp-Name", `params.${member}`);
  return true;
}

/** A name that is no plain ASCII is in base64 of UTF-8, between `=?base64?` and `?=`. */
function readName(headers: Headers): string | undefined {
  const name = headers.get("mcp-name")?.trim();
  const encoded = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(name ?? "")?.[1];
  if (encoded === undefined) return name;
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function isId(value: unknown): value is Id {
  return typeof value === "string" || Number.isSafeInteger(value);
}

function invalid(message: string): McpError {
  return new McpError(INVALID_REQUEST, message, { status: 400 });
}

function mismatch(header: string, member: string): McpError {
  return new McpError(HEADER_MISMATCH, `the header ${header} must be there, and equal to ${member} in the body`, {
    status: 400,
  });
}

/** To a request in the modern form, only what `server/discover` names is supported. */
function unsupported(requested: string, supported: string[]): McpError {
  return new McpError(UNSUPPORTED_VERSION, `the protocol version must be one of ${supported.join(", ")}`, {
    status: 400,
    data: { supported, requested: requested.slice(0, 64) },
  });
}
