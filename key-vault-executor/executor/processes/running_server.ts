/** One process of a server, spoken to as an MCP client. All that it says is redacted here. */

import {
  Client,
  CLIENT_CAPABILITIES_META_KEY,
  LOG_LEVEL_META_KEY,
  type LoggingMessageNotificationParams,
  type Progress,
  ProtocolError,
  ProtocolErrorCode,
  SdkError,
  SdkErrorCode,
} from "@modelcontextprotocol/client";
import { ToolCallError } from "../tool_call_error.ts";
import { type CallMethod, type ListMethod, LISTS } from "shared/mcp/methods.ts";
import type { ChildTransport, Exit } from "./child_transport.ts";
import type { Item } from "./prefix.ts";
import type { LogLevel } from "shared/mcp/log_levels.ts";
import { type Redact, redactValue } from "../redaction/redact.ts";

/** How a server wants to be spoken to; `auto` asks it first. */
export type Era = "auto" | "legacy";

export interface StartOptions {
  redact: Redact;
  era: Era;
  /** In milliseconds, until it has answered the first request. */
  startMs: number;
}

/** In milliseconds. */
export interface TimeLimits {
  /** Until the answer, or between two signs of progress. */
  callMs: number;
  /** Until the answer, whatever progress there is. */
  totalMs: number;
}

/** A call, in the server's own names. */
export interface ServerCall {
  method: CallMethod;
  params: Record<string, unknown>;
  /** What the caller's client can do, of which a server may ask it. Undefined for a client of an older revision. */
  capabilities?: unknown;
  /** From which level on the server should send log messages. Undefined: none. */
  logLevel?: LogLevel | undefined;
}

/** Takes what a server tells while it works on a call. */
export interface CallListener {
  onProgress(progress: Progress): void;
  onMessage(message: LoggingMessageNotificationParams): void;
}

const MAX_PAGES = 100;
const MAX_ITEMS = 1000;
/** In characters of JSON. */
const MAX_LIST_LENGTH = 2 ** 20;

export class RunningServer {
  /** Whether a tool has failed: its credential may have been replaced. */
  hasFailed = false;
  #inFlight = 0;
  readonly #listeners = new Set<CallListener>();

  private constructor(
    readonly client: Client,
    readonly transport: ChildTransport,
    readonly redact: Redact,
  ) {
    client.setNotificationHandler("notifications/message", ({ params }) => this.#onMessage(params));
  }

  /** @throws if the program does not start, or does not answer as an MCP server. */
  static async start(transport: ChildTransport, { redact, era, startMs }: StartOptions): Promise<RunningServer> {
    const mode = era === "legacy" ? "legacy" : "auto";
    const client = new Client({ name: "key-vault-executor", version: "1" }, {
      versionNegotiation: { mode, probe: { timeoutMs: startMs / 2 } },
      inputRequired: { autoFulfill: false },
    });
    try {
      await client.connect(transport, { timeout: startMs });
    } catch (error) {
      await transport.close();
      throw error;
    }
    return new RunningServer(client, transport, redact);
  }

  get isLegacy(): boolean {
    return this.client.getProtocolEra() !== "modern";
  }

  get exited(): Promise<Exit> {
    return this.transport.exited;
  }

  /** Whether the server has such a list, by what it said when it was started. */
  offers(method: ListMethod): boolean {
    return this.client.getServerCapabilities()?.[LISTS[method].capability] !== undefined;
  }

  /** @throws {ProtocolError} the server's own error. @throws {ToolCallError} if it gives no answer. */
  async call(
    { method, params, ...caller }: ServerCall,
    { callMs, totalMs }: TimeLimits,
    signal: AbortSignal,
    listener: CallListener,
  ) {
    const meta = this.isLegacy ? {} : metaOf(caller);
    const ask = () =>
      this.client.request({ method, params: { ...params, ...meta } }, {
        signal,
        timeout: callMs,
        maxTotalTimeout: totalMs,
        resetTimeoutOnProgress: true,
        allowInputRequired: true,
        // Given even if nobody listens: progress moves the time limit.
        onprogress: (progress) => listener.onProgress(this.#clean(progress)),
      });
    this.#listeners.add(listener);
    try {
      const result = await this.#ask(callMs, ask, signal);
      if ("isError" in result && result.isError === true) this.hasFailed = true;
      return result;
    } catch (error) {
      if (error instanceof ProtocolError) this.hasFailed = true;
      throw error;
    } finally {
      this.#listeners.delete(listener);
    }
  }

  /** Every page of a list. A server that does not know the method has none: many have resources and no templates. */
  async list(method: ListMethod, timeoutMs: number): Promise<Item[]> {
    try {
      return await this.#listPages(method, timeoutMs);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === ProtocolErrorCode.MethodNotFound) return [];
      throw error;
    }
  }

  async #listPages(method: ListMethod, timeoutMs: number): Promise<Item[]> {
    const items: Item[] = [];
    let length = 0;
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const answer: Item = await this.#ask(
        timeoutMs,
        () => this.client.request({ method, params }, { timeout: timeoutMs }),
      );
      const found = answer[LISTS[method].items];
      if (Array.isArray(found)) items.push(...found);
      length += JSON.stringify(found).length;
      if (items.length > MAX_ITEMS || length > MAX_LIST_LENGTH) {
        throw new ToolCallError("too_large", `the server lists more than ${MAX_ITEMS} items, or more than 1 MiB`);
      }
      if (typeof answer.nextCursor !== "string") return items;
      cursor = answer.nextCursor;
    }
    throw new ToolCallError("start_failed", `the server's list has more than ${MAX_PAGES} pages`);
  }

  /** @throws if it does not answer in time. */
  async checkHealth(timeoutMs: number): Promise<void> {
    await (this.isLegacy ? this.client.ping({ timeout: timeoutMs }) : this.client.discover({ timeout: timeoutMs }));
  }

  async close(): Promise<void> {
    await this.client.close();
    // Closed at once by the SDK if the child ended by itself: its group may still be ending.
    await this.transport.close();
  }

  /** A message does not name its call, so it is passed on only while one call is all that the server works on. */
  #onMessage(message: LoggingMessageNotificationParams): void {
    if (this.#inFlight !== 1) return;
    for (const listener of this.#listeners) listener.onMessage(this.#clean(message));
  }

  async #ask<T>(timeoutMs: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    this.#inFlight++;
    try {
      return this.#clean(await work());
    } catch (error) {
      if (signal?.aborted) throw new ToolCallError("cancelled", "the call was cancelled");
      throw this.#translate(error, timeoutMs);
    } finally {
      this.#inFlight--;
    }
  }

  #translate(error: unknown, timeoutMs: number): unknown {
    if (error instanceof ProtocolError) {
      return new ProtocolError(error.code, this.redact(error.message), redactValue(error.data, this.redact));
    }
    // What is no answer of the server's own is a pipe that broke.
    if (!(error instanceof SdkError)) return serverEnded(error);
    if (error.code === SdkErrorCode.RequestTimeout) {
      return new ToolCallError(
        "timed_out",
        `the server did not answer within ${timeoutMs / 1000} s; the call was cancelled`,
      );
    }
    if (error.code === SdkErrorCode.ConnectionClosed || error.code === SdkErrorCode.NotConnected) {
      return serverEnded(error);
    }
    return new ToolCallError(
      "invalid_answer",
      "the server's answer is not a valid MCP answer",
      this.redact(error.message),
    );
  }

  /** The same value with its strings redacted, so of the same type. */
  #clean<T>(value: T): T {
    return redactValue(value, this.redact) as T;
  }
}

/** A call that may have begun is never repeated: only its caller knows whether that is safe. */
export function serverEnded(cause?: unknown): ToolCallError {
  const message =
    "the server ended during the call, which may or may not have taken effect; it is started again when needed";
  return new ToolCallError("server_ended", message, cause);
}

function metaOf({ capabilities, logLevel }: Pick<ServerCall, "capabilities" | "logLevel">) {
  return {
    _meta: {
      ...(capabilities !== undefined && { [CLIENT_CAPABILITIES_META_KEY]: capabilities }),
      ...(logLevel !== undefined && { [LOG_LEVEL_META_KEY]: logLevel }),
    },
  };
}
