/** The request that a tool makes of an endpoint: the tool's arguments, with the caller's own key. */

import { keyHeader, readKey } from "shared/auth/presented_key.ts";
import type { ToolEndpoint } from "./hub_tools.ts";

/** Whose request a tool acts for. */
export interface HubToolCaller {
  /** Those of the MCP request. Only the key is read from them. */
  headers: Headers;
  /** The tenant that a kernel names. */
  tenantId: string | undefined;
  requestId: string;
}

/** @throws {ApiError} if the headers have no key, or two. */
export function toolRequest({ method, path }: ToolEndpoint, args: string, caller: HubToolCaller): Request {
  const url = new URL(`http://hub/${path}`);
  const headers = { ...keyHeader(readKey(caller.headers)), "x-request-id": caller.requestId };
  if (method === "GET") {
    url.search = queryOf(args, caller.tenantId);
    return new Request(url, { headers });
  }
  return new Request(url, {
    method,
    headers: { ...headers, "content-type": "application/json" },
    body: bodyOf(args, caller.tenantId),
  });
}

/** A value that a query cannot carry becomes text that the endpoint refuses. */
function queryOf(args: string, tenantId: string | undefined): string {
  const members: Record<string, unknown> = JSON.parse(args);
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    query.append(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  if (tenantId !== undefined) query.append("tenant_id", tenantId);
  return query.toString();
}

/** Adds the tenant in front and leaves the rest unchanged. */
function bodyOf(args: string, tenantId: string | undefined): string {
  if (tenantId === undefined) return args;
  const rest = args.replace(/^\s*\{\s*/, "");
  return `{"tenant_id":${JSON.stringify(tenantId)}${rest.startsWith("}") ? "" : ","}${rest}`;
}
