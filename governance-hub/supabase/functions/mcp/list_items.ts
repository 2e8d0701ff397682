/** Lists of tools, prompts, resources and templates: those of all the tenant's servers, which the Executors tell. */

import * as z from "zod/mini";
import type { Answer } from "shared/http/respond.ts";
import { askExecutor, NoExecutorReachable, rankExecutors } from "../_shared/executors.ts";
import { type CallableServers, callableServers } from "./callable_servers.ts";
import { decodeCursor, encodeCursor } from "shared/schema/paging.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import type { Executors } from "shared/environment.ts";
import { HUB_TOOLS } from "./hub_tools/hub_tools.ts";
import { invalidParams } from "./protocol/mcp_error.ts";
import { type ListMethod, LISTS } from "shared/mcp/methods.ts";
import type { McpCall } from "./methods.ts";
import { MODERN_VERSION } from "./protocol/message.ts";
import { once } from "shared/lazy.ts";
import { resultOf } from "./protocol/result.ts";

/** Items in a page. Many clients never ask for a second one, and few agents can use as many tools. */
const PAGE_SIZE = 500;

/** Of the servers of one decision, as JSON: it goes in a header, and proxies do not take long ones. */
const MAX_DECIDED_LENGTH = 24 * 1024;

/** In milliseconds: longer than an Executor waits for one of its servers. */
const LIST_MS = 30_000;

const META_LEFT_OUT = "key-vault-executor/left_out";

interface LeftOutServer {
  server_id: string;
  reason: string;
}

type Item = Record<string, unknown>;

interface TenantItems {
  items: Item[];
  leftOut: LeftOutServer[];
}

const told = once(() =>
  z.object({
    result: z.looseObject({
      _meta: z.optional(
        z.looseObject({
          [META_LEFT_OUT]: z.optional(z.array(z.object({ server_id: z.string(), reason: z.string() }))),
        }),
      ),
    }),
  })
);
const toldItems = once(() => z.array(z.record(z.string(), z.unknown())));

export async function listItems(call: McpCall, method: ListMethod): Promise<Answer> {
  const callable = await callableServers(call);
  const after = readCursor(call, callable.subject.tenant_id);
  const { items, leftOut } = await askAll(call, callable, method);
  // The hub's own tools are on the first page, before those of servers.
  const own = method === "tools/list" && after === undefined ? ownTools(callable.scopes) : [];
  const nameOf = (item: Item) => String(item[LISTS[method].name]);
  const rest = items.filter((item) => after === undefined || nameOf(item) > after)
    .sort((a, b) => nameOf(a) < nameOf(b) ? -1 : 1);
  const page = rest.slice(0, PAGE_SIZE);
  const last = rest.length > page.length ? page.at(-1) : undefined;
  return resultOf(call.request, {
    [LISTS[method].items]: [...own, ...page],
    ...(last && { nextCursor: encodeCursor([callable.subject.tenant_id, nameOf(last)]) }),
    // A server that is registered now is in the next list, so no list may be kept.
    ...(call.request.isModern && { ttlMs: 0, cacheScope: "private" }),
    ...(leftOut.length > 0 && { _meta: { [META_LEFT_OUT]: leftOut } }),
  });
}

function ownTools(scopes: readonly string[]): Item[] {
  return HUB_TOOLS.filter(({ scope }) => scopes.includes(scope)).map(({ tool }) => ({ ...tool }));
}

/** The name after which the page begins. @throws {McpError} */
function readCursor({ request }: McpCall, tenantId: string): string | undefined {
  const { cursor } = request.params;
  if (cursor === undefined) return undefined;
  const [tenant, name] = (typeof cursor === "string" ? decodeCursor(cursor, 1) : undefined) ?? [];
  if (tenant !== tenantId) throw invalidParams("params.cursor must be a nextCursor of this tenant's list");
  return name;
}

/** Each server's Executor is asked once, all at the same time. */
async function askAll(
  call: McpCall,
  { servers, subject }: CallableServers,
  method: ListMethod,
): Promise<TenantItems> {
  const { executors } = call.environment;
  if (executors === undefined) return { items: [], leftOut: leaveOut(servers, "no_executor") };
  const groups = groupServers(executors.urls, subject.tenant_id, servers);
  const lists = await Promise.all(groups.map((group) => ask(call, executors, { ...subject, method }, group)));
  return {
    items: lists.flatMap(({ items }) => items),
    leftOut: lists.flatMap(({ leftOut }) => leftOut).sort((a, b) => a.server_id < b.server_id ? -1 : 1),
  };
}

interface Group {
  urls: string[];
  servers: DecidedServer[];
}

/** The servers by the Executor that is first for them, in groups that one decision can name. */
export function groupServers(urls: readonly string[], tenantId: string, servers: readonly DecidedServer[]): Group[] {
  const groups: Group[] = [];
  const open = new Map<string, Group & { length: number }>();
  for (const server of servers) {
    const ranked = rankExecutors(urls, tenantId, server.id);
    const first = ranked[0] ?? "";
    const length = JSON.stringify(server).length;
    let group = open.get(first);
    if (group === undefined || group.length + length > MAX_DECIDED_LENGTH) {
      group = { urls: ranked, servers: [], length: 0 };
      open.set(first, group);
      groups.push(group);
    }
    group.servers.push(server);
    group.length += length;
  }
  return groups;
}

async function ask(
  { presented, signal }: McpCall,
  { signingKey }: Executors,
  subject: CallableServers["subject"] & { method: ListMethod },
  { urls, servers }: Group,
): Promise<TenantItems> {
  const { method } = subject;
  try {
    const response = await askExecutor(signingKey, urls, {
      subject: { ...subject, servers },
      path: "/mcp",
      body: bodyOf(method),
      headers: headersOf(method),
      requestId: presented.requestId,
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIST_MS)]),
    });
    const { result } = told().parse(await response.json());
    return { items: toldItems().parse(result[LISTS[method].items]), leftOut: result._meta?.[META_LEFT_OUT] ?? [] };
  } catch (error) {
    const isGone = error instanceof NoExecutorReachable;
    return { items: [], leftOut: leaveOut(servers, isGone ? "executor_unreachable" : "executor_failed") };
  }
}

function leaveOut(servers: readonly DecidedServer[], reason: string): LeftOutServer[] {
  return servers.map(({ server_id }) => ({ server_id, reason }));
}

function bodyOf(method: ListMethod): string {
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { _meta: ENVELOPE } });
}

const ENVELOPE = {
  "io.modelcontextprotocol/protocolVersion": MODERN_VERSION,
  "io.modelcontextprotocol/clientInfo": { name: "governance-hub", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
};

function headersOf(method: ListMethod): Record<string, string> {
  return {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": MODERN_VERSION,
    "mcp-method": method,
  };
}
