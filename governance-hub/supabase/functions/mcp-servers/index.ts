/** `/mcp-servers/<verb>`: the documented URLs of the four functions beside this one, `GET /mcp-servers/health` and `/openapi.json`. */

import { hub } from "shared/hub.ts";
import { router } from "shared/router.ts";
import authorize from "../authorize/index.ts";
import deleteServer from "../mcp-servers-delete/index.ts";
import list from "../mcp-servers-list/index.ts";
import register from "../mcp-servers-register/index.ts";
import update from "../mcp-servers-update/index.ts";
import events from "./events.ts";

export default router({
  project: hub,
  resource: "mcp-servers",
  endpoints: [register, list, update, deleteServer, events],
  others: [authorize],
  probe: "list_mcp_servers",
});
