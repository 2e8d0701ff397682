/** Clients of one server. Each has its own connection, and sends its next request after its last answer. */

import { setImmediate } from "node:timers";
import autocannon from "autocannon";

export type NextRequest = Pick<autocannon.Request, "method" | "path" | "body">;

export interface LoadAnswer {
  /** 0 without an answer. */
  status: number;
  ms: number;
  path: string;
}

export interface ClientOptions {
  url: string;
  clients: number;
  headers: Record<string, string>;
  /** Yields a client's requests. It receives whether the last request succeeded. */
  requests(): Generator<NextRequest, never, boolean>;
  onAnswer(answer: LoadAnswer): void;
  /** Called after each answer. A client stops when it returns true. */
  isOver(): boolean;
}

/** Longer than any load: clients end one by one, because autocannon's own end would cut off requests in flight. */
const DAY_S = 86_400;
const TIMEOUT_S = 20;
/** How often autocannon checks whether all clients have ended, in milliseconds. */
const LOOK_EVERY_MS = 20;

/** Settles when every client has its last answer. */
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
  // Without this, clients of a server that is gone would never end.
  run.on("reqError", () => isOver() && run.stop());
  await promise;
}

/** autocannon's histogram rounds latencies to milliseconds, but its event has the exact time of each answer. */
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
 * Deno reads a connection as long as it has data. With a server that answers at once, one client would work and all
 * others would wait. So each request is sent in its own turn of the event loop.
 */
function takeTurns(client: autocannon.Client): void {
  const send: () => void = Reflect.get(client, "_doRequest");
  Reflect.set(client, "_doRequest", () => {
    setImmediate(() => Reflect.get(client, "destroyed") || send.call(client));
  });
}
