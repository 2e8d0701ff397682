/** The endpoints that the router serves. */

import deleteServer from "../mcp-servers-delete/index.ts";
import list from "../mcp-servers-list/index.ts";
import register from "../mcp-servers-register/index.ts";
import update from "../mcp-servers-update/index.ts";
import events from "./events.ts";

export const ENDPOINTS = [register, list, update, deleteServer, events];
