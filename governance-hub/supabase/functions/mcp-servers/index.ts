/** The documented URLs of the four other functions, `/mcp-servers/<verb>`, and `events`, `health` and `openapi.json`. */

import { hub } from "../_shared/hub.ts";
import { router } from "shared/http/router.ts";
import { ENDPOINTS } from "./endpoints.ts";
import document from "./openapi.json" with { type: "text" };

export default router({
  project: hub,
  resource: "mcp-servers",
  endpoints: ENDPOINTS,
  document,
  probe: "list_mcp_servers",
});
