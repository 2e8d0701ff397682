/** One stream of `subscriptions/listen`: what it sends, and how it ends. */

import type { Answer } from "shared/http/respond.ts";
import type { ApiError } from "shared/api_error.ts";
import { errorMessage, INTERNAL_ERROR, INVALID_REQUEST, McpError } from "../protocol/mcp_error.ts";
import { eventOf } from "../protocol/event.ts";
import { openEventStream } from "./event_stream.ts";
import type { McpCall } from "../methods.ts";
import { resultMessage } from "../protocol/result.ts";

/** The lists that a caller can hear about, as its filter names them, with what it hears. */
export const LIST_CHANGES = [
  { name: "toolsListChanged", notification: "notifications/tools/list_changed" },
  { name: "promptsListChanged", notification: "notifications/prompts/list_changed" },
  { name: "resourcesListChanged", notification: "notifications/resources/list_changed" },
] as const;

export type ListChange = (typeof LIST_CHANGES)[number];

export interface SubscriptionLimits {
  /** In milliseconds: proxies close a stream that is silent for long. */
  keepAliveMs: number;
  /** In milliseconds. */
  maxMs: number;
}

export interface Subscription {
  stream: NonNullable<Answer["stream"]>;
  tellChange(): void;
  /** Ends the stream in the form that says that the caller may listen again. */
  end(): void;
  refuse(error: ApiError): void;
}

const ID_KEY = "io.modelcontextprotocol/subscriptionId";

export function openSubscription(
  { request, presented, signal }: McpCall,
  lists: readonly ListChange[],
  { keepAliveMs, maxMs }: SubscriptionLimits,
): Subscription {
  const { promise: ended, resolve } = Promise.withResolvers<Answer["error"]>();
  const _meta = { [ID_KEY]: request.id };
  let [isOver, isUntold] = [false, false];

  // A slow reader hears of several changes as one.
  const tellChange = () => {
    isUntold = !events.hasRoom();
    if (!isUntold) lists.forEach(({ notification }) => notify(notification, { _meta }));
  };
  const leave = () => finish();
  const end = () => finish(resultMessage(request, { _meta }));
  const events = openEventStream(() => isUntold && tellChange(), leave);
  const notify = (method: string, params: object) => events.write(eventOf({ jsonrpc: "2.0", method, params }));
  const finish = (last?: object, error?: Answer["error"]) => {
    if (isOver) return;
    isOver = true;
    clearInterval(keepAlive);
    clearTimeout(lifetime);
    signal.removeEventListener("abort", leave);
    if (last !== undefined) events.write(eventOf(last));
    events.close();
    resolve(error);
  };

  const notifications = Object.fromEntries(lists.map(({ name }) => [name, true]));
  notify("notifications/subscriptions/acknowledged", { notifications, _meta });
  const keepAlive = setInterval(() => events.hasRoom() && events.write(": keepalive\n\n"), keepAliveMs);
  const lifetime = setTimeout(end, maxMs);
  signal.addEventListener("abort", leave);
  if (signal.aborted) leave();
  return {
    stream: { body: events.body, ended },
    tellChange,
    end,
    refuse: (error) => finish(errorMessage(request.id, refusalOf(error), presented.requestId), error),
  };
}

function refusalOf({ status, code, message }: ApiError): McpError {
  return new McpError(status < 500 ? INVALID_REQUEST : INTERNAL_ERROR, message, { code });
}
