/**
 * `subscriptions/listen` of revision 2026-07-28: a caller hears when its tenant's servers have changed. One revision counts
 * their changes, so each list that the caller named is announced at every change.
 */

import * as z from "zod/mini";
import type { Answer } from "shared/http/respond.ts";
import { callerOf } from "../caller.ts";
import { openRevisionWatch, readRevision } from "./revision_watch.ts";
import { failed, invalidParams } from "../protocol/mcp_error.ts";
import {
  LIST_CHANGES,
  type ListChange,
  openSubscription,
  type Subscription,
  type SubscriptionLimits,
} from "./subscription.ts";
import type { McpCall } from "../methods.ts";
import { once } from "shared/lazy.ts";

export interface ListenLimits extends SubscriptionLimits {
  /** In milliseconds. */
  pollMs: number;
  maxListeners: number;
  /** Of one key, so that one caller cannot take every place. */
  maxOfCaller: number;
}

export interface Listening {
  /** @throws {McpError} */
  listen(call: McpCall): Promise<Answer>;
  /** Ends every stream in order. */
  endAll(): void;
}

const LIMITS: ListenLimits = {
  pollMs: 2000,
  keepAliveMs: 15_000,
  // The platform ends an instance after 400 seconds at most.
  maxMs: 300_000,
  maxListeners: 1000,
  maxOfCaller: 100,
};

const HEADERS = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

const optional = () => z.optional(z.boolean());
const filter = once(() =>
  z.object({ toolsListChanged: optional(), promptsListChanged: optional(), resourcesListChanged: optional() })
);

/** The streams of this instance. */
export const listening = once(() => {
  const opened = openListening(LIMITS);
  // The platform says so before it ends an instance.
  addEventListener("beforeunload", opened.endAll);
  return opened;
});

export function openListening(limits: ListenLimits): Listening {
  const open = new Set<Subscription>();
  const watch = openRevisionWatch(limits.pollMs);

  return {
    async listen(call) {
      const lists = readLists(call);
      const caller = await callerOf(call);
      const seen = await readRevision(call);
      if (open.size >= limits.maxListeners || watch.count(caller) >= limits.maxOfCaller) throw busy();
      const subscription = openSubscription(call, lists, limits);
      const { stream, tellChange: onChange, refuse: onRefusal, end } = subscription;
      const listener = { call, seen, onChange, onRefusal };
      open.add(subscription);
      watch.add(caller, listener);
      void stream.ended.then(() => {
        open.delete(subscription);
        watch.remove(caller, listener);
      });
      if (lists.length === 0) end();
      return { status: 200, headers: HEADERS, stream };
    },
    endAll: () => open.forEach(({ end }) => end()),
  };
}

/** What the caller asked for, as far as it is offered. @throws {McpError} */
function readLists({ request }: McpCall): ListChange[] {
  const wanted = filter().safeParse(request.params.notifications);
  if (!wanted.success) throw invalidParams('params.notifications must say what to tell: {"toolsListChanged": true}');
  return LIST_CHANGES.filter(({ name }) => wanted.data[name] === true);
}

function busy() {
  const message = "too many listeners: listen again later, or read tools/list again now and then";
  return failed(message, message, "busy");
}
