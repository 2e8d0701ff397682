/** Listeners of `subscriptions/listen`: over HTTP, or at an instance of their own with other limits. */

import { type ListenLimits, openListening } from "governance-hub/supabase/functions/mcp/listening/listen.ts";
import type { McpCall } from "governance-hub/supabase/functions/mcp/methods.ts";
import { readHubEnvironment } from "shared/environment.ts";
import type { Answer } from "shared/http/respond.ts";
import { stack } from "./client.ts";
import { ENVELOPE, type TestGateway } from "./gateway.ts";

export interface Heard {
  /** The messages so far. */
  // deno-lint-ignore no-explicit-any -- tests compare messages of any form
  messages: any[];
  comments: string[];
  /** The methods so far, of notifications, without the first. */
  changes(): string[];
  /** Resolves when the stream has ended, or when its reader has left. */
  over: Promise<void>;
}

export const TOOLS = { toolsListChanged: true };

/** @param signal aborted when the listener leaves. */
export async function listenTo(
  { url }: Pick<TestGateway, "url">,
  key: string,
  notifications: unknown = TOOLS,
  signal?: AbortSignal,
): Promise<Heard & { response: Response }> {
  const params = { notifications, _meta: ENVELOPE };
  const response = await fetch(`${url}/mcp`, {
    method: "POST",
    headers: {
      "x-api-key": key,
      "content-type": "application/json",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "subscriptions/listen",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: "listen-1", method: "subscriptions/listen", params }),
    ...(signal && { signal }),
  });
  return { ...hear(response.body), response };
}

export const SHORT: ListenLimits = {
  pollMs: 50,
  keepAliveMs: 60_000,
  maxMs: 60_000,
  maxListeners: 10,
  maxOfCaller: 10,
};

export interface OwnInstance extends AsyncDisposable {
  listen(key: string, options?: { notifications?: unknown; signal?: AbortSignal }): Promise<Answer>;
  endAll(): void;
}

/** Streams of this process, on the tested stack's database or on one that stands before it. */
export async function openInstance(limits: Partial<ListenLimits>, url?: string): Promise<OwnInstance> {
  const variables: Record<string, string> = {
    SUPABASE_URL: url ?? stack.governance_hub.url,
    SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.governance_hub.secret_key }),
    KERNEL_HMAC_SECRET: stack.kernel_hmac_secret,
  };
  const environment = await readHubEnvironment((name) => variables[name]);
  const listening = openListening({ ...SHORT, ...limits });
  const open: Answer[] = [];
  return {
    endAll: listening.endAll,
    async listen(key, { notifications = TOOLS, signal = new AbortController().signal } = {}) {
      const call: McpCall = {
        environment,
        input: undefined,
        presented: { kind: "agent", key, tenantId: undefined, requestId: "listen" },
        headers: new Headers(),
        noteCaller: () => {},
        request: { id: "listen-1", method: "subscriptions/listen", params: { notifications }, isModern: true },
        text: "",
        signal,
      };
      const answer = await listening.listen(call);
      open.push(answer);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      listening.endAll();
      for (const { stream } of open) await stream?.ended;
    },
  };
}

/** Reads the events of a body while they arrive. */
export function hear(body: ReadableStream<Uint8Array> | null | undefined): Heard {
  const heard: Omit<Heard, "over"> = {
    messages: [],
    comments: [],
    changes: () => heard.messages.slice(1).flatMap(({ method }) => method ?? []),
  };
  const read = async () => {
    let text = "";
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) note(heard, event);
    }
  };
  return { ...heard, over: read().catch(() => {}) };
}

function note({ messages, comments }: Omit<Heard, "over">, event: string): void {
  const data = event.split("\n").find((line) => line.startsWith("data: "));
  if (data === undefined) comments.push(event);
  else messages.push(JSON.parse(data.slice("data: ".length)));
}
