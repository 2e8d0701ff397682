/** The endpoints that the router serves. */

import deleteCredential from "../credentials-delete/index.ts";
import list from "../credentials-list/index.ts";
import retrieve from "../credentials-retrieve/index.ts";
import store from "../credentials-store/index.ts";
import events from "./events.ts";
import use from "./use.ts";

export const ENDPOINTS = [store, list, retrieve, deleteCredential, use, events];
