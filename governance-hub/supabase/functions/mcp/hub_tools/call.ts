/**
 * Calls the hub's own tools. A tool of servers runs the endpoint's handler in this process, a tool of credentials calls
 * the vault's endpoint, both with the caller's own key. So validation, scopes and events are those of REST.
 */

import { ApiError, internal, unauthenticated, unavailable } from "shared/api_error.ts";
import { type CallToolResult, resultOfAnswer, resultOfError } from "./result.ts";
import deleteServer from "../../mcp-servers-delete/index.ts";
import type { Endpoint } from "shared/http/endpoint.ts";
import { forwardToVault } from "./vault.ts";
import { HUB_TOOLS } from "./hub_tools.ts";
import list from "../../mcp-servers-list/index.ts";
import register from "../../mcp-servers-register/index.ts";
import status from "./server_status.ts";
import { type HubToolCaller, toolRequest } from "./request.ts";
import update from "../../mcp-servers-update/index.ts";

const HANDLERS: ReadonlyMap<string, Endpoint> = new Map(
  [register, list, update, deleteServer, status].map((endpoint) => [endpoint.paths[0] ?? "", endpoint]),
);

/**
 * Calls one of {@linkcode HUB_TOOLS}. What goes wrong is a result too, with `isError`.
 *
 * @param args the arguments' original text: an endpoint refuses a number that JavaScript rounds, and a name that is
 * given twice. Parsed arguments would hide both.
 * @throws {ApiError} `unauthenticated`; a TypeError if there is no tool of this name.
 */
export async function callHubTool(name: string, args: string, caller: HubToolCaller): Promise<CallToolResult> {
  const endpoint = HUB_TOOLS.find(({ tool }) => tool.name === name)?.endpoint;
  if (endpoint === undefined) throw new TypeError("the hub has no tool of this name");
  const handler = endpoint.project === "vault" ? forwardToVault(name) : HANDLERS.get(`/${endpoint.path}`);
  if (handler === undefined) throw new TypeError(`no handler has the path ${endpoint.path}`);
  try {
    const response = await handler.fetch(toolRequest(endpoint, args, caller));
    // Who may not enter gets no result of a tool: a client then knows that its key is at fault.
    if (response.status === 401) throw unauthenticated();
    const result = resultOfAnswer(await response.json());
    if (result === undefined) throw unavailable("an endpoint answered in another form");
    return result;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) throw error;
    return resultOfError(error instanceof ApiError ? error : internal(error), caller.requestId);
  }
}
