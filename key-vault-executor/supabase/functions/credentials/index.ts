/** `/credentials/<verb>`: the documented URLs of the four functions beside this one, `GET /credentials/health` and `/openapi.json`. */

import { router } from "shared/router.ts";
import { vault } from "shared/vault.ts";
import deleteCredential from "../credentials-delete/index.ts";
import list from "../credentials-list/index.ts";
import retrieve from "../credentials-retrieve/index.ts";
import store from "../credentials-store/index.ts";
import events from "./events.ts";

export default router({
  project: vault,
  resource: "credentials",
  endpoints: [store, list, retrieve, deleteCredential, events],
  probe: "list_credentials",
});
