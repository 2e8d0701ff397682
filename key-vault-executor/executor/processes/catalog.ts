/** What a tenant's servers list, each item under its server's prefix. What a server told is kept for its version. */

import { type CallErrorCode, ToolCallError } from "../tool_call_error.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import { type Item, nameOf, prefixItem } from "./prefix.ts";
import { LIST_METHODS, type ListMethod, LISTS } from "shared/mcp/methods.ts";
import { resourceUri, toolName } from "shared/schema/request_fields.ts";
import type { RunningServer } from "./running_server.ts";
import type { Supervisor, ToolCaller } from "./supervisor.ts";

/** What MCP allows in the name of a tool, prefix and all. */
const TOOL_NAME = /^[A-Za-z0-9_.-]{1,128}$/;

/** In characters of JSON, of all tenants together. */
const MAX_KEPT_LENGTH = 64 * 2 ** 20;
/** What an empty list takes too. */
const ENTRY_LENGTH = 1000;

/** So many servers are asked at a time: starting a tenant's every server at once would slow the other tenants. */
const MAX_ASKED = 8;

/** In milliseconds. A list waits so long for a server: one that is starting is in the next list. */
export const LIST_MS = 20_000;

export interface LeftOut {
  server_id: string;
  reason: CallErrorCode | "invalid_answer" | "invalid_names";
}

export interface ItemList {
  items: Item[];
  leftOut: LeftOut[];
}

export class Catalog {
  /** From a tenant, a server's id and a method to the list at a version; the least recently asked first. */
  readonly #kept = new Map<string, { version: number; items: Item[]; length: number }>();
  #keptLength = 0;

  constructor(readonly supervisor: Supervisor, readonly listMs = LIST_MS) {}

  /** The items of these servers, by name. A server that does not answer is left out, and the rest is there. */
  async list(method: ListMethod, caller: ToolCaller, servers: readonly DecidedServer[]): Promise<ItemList> {
    const leftOut: LeftOut[] = [];
    const lists = await mapInTurn(servers, MAX_ASKED, async (server) => {
      try {
        return prefixAll(method, server, await this.#itemsOf(method, caller, server), leftOut);
      } catch (error) {
        leftOut.push({
          server_id: server.server_id,
          reason: error instanceof ToolCallError ? error.code : "invalid_answer",
        });
        return [];
      }
    });
    return {
      items: lists.flat().sort((a, b) => nameOf(method, a) < nameOf(method, b) ? -1 : 1),
      leftOut: leftOut.sort((a, b) => a.server_id < b.server_id ? -1 : 1),
    };
  }

  async #itemsOf(method: ListMethod, caller: ToolCaller, server: DecidedServer): Promise<Item[]> {
    const key = keyOf(method, caller, server);
    const kept = this.#kept.get(key);
    this.#forget(key);
    const isKept = kept?.version === server.version;
    const items = isKept ? kept.items : await within(this.listMs, this.#ask(method, caller, server));
    this.#keep(key, server.version, items, isKept ? kept.length : ENTRY_LENGTH + JSON.stringify(items).length);
    return items;
  }

  #keep(key: string, version: number, items: Item[], length: number): void {
    // Another list may have kept it meanwhile.
    this.#forget(key);
    this.#kept.set(key, { version, items, length });
    this.#keptLength += length;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptLength <= MAX_KEPT_LENGTH) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    this.#keptLength -= this.#kept.get(key)?.length ?? 0;
    this.#kept.delete(key);
  }

  async #ask(method: ListMethod, caller: ToolCaller, server: DecidedServer): Promise<Item[]> {
    return await this.supervisor.use(caller, server, async (running) => {
      this.#listen(running, caller, server);
      for (const other of LIST_METHODS) {
        // Kept, so that no process is started to ask for a list that it does not have.
        if (!running.offers(other)) this.#keep(keyOf(other, caller, server), server.version, [], ENTRY_LENGTH);
      }
      return running.offers(method) ? await running.list(method, this.listMs) : [];
    });
  }

  /** Each process tells once: a handler that is set again replaces the one before. */
  #listen({ client }: RunningServer, caller: ToolCaller, server: DecidedServer): void {
    const forget = (...methods: ListMethod[]) => () => {
      for (const method of methods) this.#forget(keyOf(method, caller, server));
    };
    client.setNotificationHandler("notifications/tools/list_changed", forget("tools/list"));
    client.setNotificationHandler("notifications/prompts/list_changed", forget("prompts/list"));
    client.setNotificationHandler(
      "notifications/resources/list_changed",
      forget("resources/list", "resources/templates/list"),
    );
  }
}

/** Both ids are UUIDs. */
function keyOf(method: ListMethod, { tenantId }: ToolCaller, { id }: DecidedServer): string {
  return `${tenantId} ${id} ${method}`;
}

/** What cannot be called by its name with the prefix is not shown. */
function prefixAll(method: ListMethod, server: DecidedServer, items: Item[], leftOut: LeftOut[]): Item[] {
  const prefixed = items.map((item) => prefixItem(method, item, server.tool_prefix));
  const valid = prefixed.filter((item) => isName(method, nameOf(method, item)));
  if (valid.length < items.length) leftOut.push({ server_id: server.server_id, reason: "invalid_names" });
  return valid;
}

/** Prompts and resources may have any name that the hub takes. */
function isName(method: ListMethod, name: string): boolean {
  if (method === "tools/list") return TOOL_NAME.test(name);
  const form = LISTS[method].capability === "resources" ? resourceUri() : toolName();
  return form.safeParse(name).success;
}

/** The results in the order of the items, of which so many are worked on at a time. */
async function mapInTurn<T, R>(items: readonly T[], limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: limit }, worker));
  return results;
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new ToolCallError("timed_out", `the server gave no list within ${ms / 1000} s`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
