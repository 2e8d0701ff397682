/** Refuses requests that a web page of another site makes a browser send (DNS rebinding), as MCP's transport demands. */

import { isLoopback } from "shared/loopback.ts";
import { INVALID_REQUEST, McpError } from "./mcp_error.ts";

/** Only browsers send `Origin`. The one that may is a tool on the caller's own machine. @throws {McpError} */
export function refuseForeignOrigin(headers: Headers): void {
  const origin = headers.get("origin");
  if (origin === null || (URL.canParse(origin) && isLoopback(new URL(origin).hostname))) return;
  throw new McpError(INVALID_REQUEST, "this gateway is not for web pages: their keys would not be safe", {
    status: 403,
    code: "origin_not_allowed",
  });
}
