/** The tools of a tenant's servers, each under its server's prefix. What a server told is kept for its version. */

import type { Tool } from "@modelcontextprotocol/client";
import { type CallErrorCode, ToolCallError } from "../tool_call_error.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
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
  reason: CallErrorCode | "invalid_answer" | "invalid_tool_names";
}

export interface ToolList {
  tools: Tool[];
  leftOut: LeftOut[];
}

export class Catalog {
  /** From a tenant and a server's id to its tools at a version; the least recently asked first. */
  readonly #kept = new Map<string, { version: number; tools: Tool[]; length: number }>();
  #keptLength = 0;

  constructor(readonly supervisor: Supervisor, readonly listMs = LIST_MS) {}

  /** The tools of these servers, by name. A server that does not answer is left out, and the rest is there. */
  async list(caller: ToolCaller, servers: readonly DecidedServer[]): Promise<ToolList> {
    const leftOut: LeftOut[] = [];
    const lists = await mapInTurn(servers, MAX_ASKED, async (server) => {
      try {
        return this.#prefix(server, await this.#toolsOf(caller, server), leftOut);
      } catch (error) {
        leftOut.push({
          server_id: server.server_id,
          reason: error instanceof ToolCallError ? error.code : "invalid_answer",
        });
        return [];
      }
    });
    return { tools: lists.flat().sort(byName), leftOut: leftOut.sort((a, b) => a.server_id < b.server_id ? -1 : 1) };
  }

  async #toolsOf(caller: ToolCaller, server: DecidedServer): Promise<Tool[]> {
    const key = keyOf(caller, server);
    const kept = this.#kept.get(key);
    this.#forget(key);
    const isKept = kept?.version === server.version;
    const tools = isKept ? kept.tools : await within(this.listMs, this.#ask(caller, server));
    // Another list may have kept it meanwhile.
    this.#forget(key);
    const length = isKept ? kept.length : ENTRY_LENGTH + JSON.stringify(tools).length;
    this.#kept.set(key, { version: server.version, tools, length });
    this.#keptLength += length;
    for (const oldest of this.#kept.keys()) {
      if (this.#keptLength <= MAX_KEPT_LENGTH) break;
      this.#forget(oldest);
    }
    return tools;
  }

  #forget(key: string): void {
    this.#keptLength -= this.#kept.get(key)?.length ?? 0;
    this.#kept.delete(key);
  }

  async #ask(caller: ToolCaller, server: DecidedServer): Promise<Tool[]> {
    return await this.supervisor.use(caller, server, async (running) => {
      // Each process tells once: a handler that is set again replaces the one before.
      running.client.setNotificationHandler("notifications/tools/list_changed", () => {
        this.#forget(keyOf(caller, server));
      });
      return await running.listTools(this.listMs);
    });
  }

  /** A tool name that is not valid with the prefix cannot be called, so it is not shown. */
  #prefix(server: DecidedServer, tools: Tool[], leftOut: LeftOut[]): Tool[] {
    const prefixed = tools.map((tool) => ({ ...tool, name: server.tool_prefix + tool.name }));
    const valid = prefixed.filter(({ name }) => TOOL_NAME.test(name));
    if (valid.length < tools.length) leftOut.push({ server_id: server.server_id, reason: "invalid_tool_names" });
    return valid;
  }
}

/** Both are UUIDs. */
function keyOf({ tenantId }: ToolCaller, { id }: DecidedServer): string {
  return `${tenantId} ${id}`;
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

function byName(a: Tool, b: Tool): number {
  return a.name < b.name ? -1 : 1;
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
