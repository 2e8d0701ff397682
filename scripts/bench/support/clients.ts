/** Clients of one server, each with a connection of its own on which it sends its next request after its last answer. */

import { setImmediate } from "node:timers";
import autocannon from "autocannon";

export type NextRequest = Pick<autocannon.Request, "method" | "path" | "body">;

export interface LoadAnswer {
  /** 0 when there was none. */
  status: number;
  ms: number;
  path: string;
}

export interface ClientOptions {
  url: string;
  clients: number;
  headers: Record<string, string>;
  /** What a client sends, request by request. It is told whether the last one was answered with a success. */
  requests(): Generator<NextRequest, never, boolean>;
  onAnswer(answer: LoadAnswer): void;
  /** Asked after each answer. A client that is told so sends no more. */
  isOver(): boolean;
}

/** More than any load takes: clients end one by one, since autocannon's own end would cut off what is under way. */
const DAY_S = 86_400;
const TIMEOUT_S = 20;
/** How often autocannon looks whether all clients have ended, in milliseconds. */
const LOOK_EVERY_MS = 20;

/** Settles once every client has had its last answer. */
export async function runClients(options: ClientOptions): Promise<void> {
  const { url, clients, isOver } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const run = autocannon({
    url,
    connections: clients,
    duration: DAY_S,
    timeout: TIMEOUT_S,
    sampleInt: LOOK_EVERY_MS,
    setupClient(client) {
      takeTurns(client);
      lead(client, options);
    },
  }, (error) => error ? reject(error) : resolve());
  // A server that is gone answers no client, and so would end none.
  run.on("reqError", () => isOver() && run.stop());
  await promise;
}

/** autocannon's own latencies are whole milliseconds in a histogram; its event has the time of each answer. */
function lead(client: autocannon.Client, { url, headers, requests, onAnswer, isOver }: ClientOptions): void {
  const turn = requests();
  let sent: { path: string; at: number } | undefined;
  let isDone = false;
  client.on("response", (status, _bytes, ms) => {
    onAnswer({ status, ms, path: sent?.path ?? "" });
    sent = undefined;
    isDone = status >= 200 && status < 300;
    if (isOver()) Object.assign(client, { responseMax: 1 });
  });
  client.setRequests([{
    setupRequest(request) {
      const now = performance.now();
      if (sent) onAnswer({ status: 0, ms: now - sent.at, path: sent.path });
      const next = turn.next(isDone).value;
      isDone = false;
      sent = { path: next.path ?? new URL(url).pathname, at: now };
      // A copy: autocannon writes the length of this body into it.
      return { ...request, ...next, headers: { ...headers } };
    },
  }]);
}

/**
 * Deno reads a connection for as long as something is there. Beside a server that answers at once, one client would be at
 * work and all others would wait; so each request is sent in a turn of the event loop of its own.
 */
function takeTurns(client: autocannon.Client): void {
  const send: () => void = Reflect.get(client, "_doRequest");
  Reflect.set(client, "_doRequest", () => {
    setImmediate(() => Reflect.get(client, "destroyed") || send.call(client));
  });
}
