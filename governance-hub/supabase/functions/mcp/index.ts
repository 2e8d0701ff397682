/** The gateway: MCP at `/mcp`, and the endpoints of servers at `/mcp/servers/<verb>`. */

import { unknownPath } from "shared/api_error.ts";
import { type Handler, respond } from "shared/http/respond.ts";
import { hub } from "../_shared/hub.ts";
import deleteServer from "../mcp-servers-delete/index.ts";
import list from "../mcp-servers-list/index.ts";
import register from "../mcp-servers-register/index.ts";
import update from "../mcp-servers-update/index.ts";
import { gateway } from "./gateway.ts";

const SERVERS = new Map<string, Handler>([
  ["/mcp/servers/register", register],
  ["/mcp/servers/list", list],
  ["/mcp/servers/update", update],
  ["/mcp/servers/delete", deleteServer],
]);

export default {
  fetch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    if (url.pathname === "/mcp") return gateway(request);
    const endpoint = SERVERS.get(url.pathname);
    if (endpoint === undefined) return respond(hub, "mcp", request, () => Promise.reject(unknownPath()));
    url.pathname = url.pathname.replace("/mcp/servers/", "/mcp-servers/");
    return endpoint.fetch(new Request(url, request));
  },
};
