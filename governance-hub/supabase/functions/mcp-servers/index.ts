/** `/mcp-servers/<verb>`: the documented URLs of the four functions beside this one, and `GET /mcp-servers/health`. */

import { hub } from "shared/hub.ts";
import { router } from "shared/router.ts";
import deleteServer from "../mcp-servers-delete/index.ts";
import list from "../mcp-servers-list/index.ts";
import register from "../mcp-servers-register/index.ts";
import update from "../mcp-servers-update/index.ts";
import events from "./events.ts";

export default router(hub, "mcp-servers", { register, list, update, delete: deleteServer, events }, "list_mcp_servers");
