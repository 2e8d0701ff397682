/** The documented URLs of the four other functions, `/credentials/<verb>`, and `events`, `health` and `openapi.json`. */

import { router } from "shared/http/router.ts";
import { vault } from "../_shared/vault.ts";
import { ENDPOINTS } from "./endpoints.ts";
import document from "./openapi.json" with { type: "text" };

export default router({
  project: vault,
  resource: "credentials",
  endpoints: ENDPOINTS,
  document,
  probe: "list_credentials",
});
