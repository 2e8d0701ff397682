/** One process of a server, spoken to as an MCP client. All that it says is redacted here. */

import {
  Client,
  CLIENT_CAPABILITIES_META_KEY,
  type Progress,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  type Tool,
} from "@modelcontextprotocol/client";
import { ToolCallError } from "../tool_call_error.ts";
import type { ChildTransport, Exit } from "./child_transport.ts";
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

export interface ToolCall {
  name: string;
  arguments: Record<string, unknown> | undefined;
  /** Of a request that is asked again with what the server had asked for. */
  inputResponses?: Record<string, unknown> | undefined;
  requestState?: string | undefined;
  /** What the caller's client can do, of which a server may ask it. Undefined for a client of an older revision. */
  capabilities?: unknown;
}

const MAX_PAGES = 100;
const MAX_TOOLS = 1000;
/** In characters of JSON. */
const MAX_LIST_LENGTH = 2 ** 20;

export class RunningServer {
  /** Whether a tool has failed: its credential may have been replaced. */
  hasFailed = false;

  private constructor(
    readonly client: Client,
    readonly transport: ChildTransport,
    readonly redact: Redact,
  ) {}

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

  /** @throws {ProtocolError} the server's own error. @throws {ToolCallError} if it gives no answer. */
  async call(
    { arguments: args, capabilities, ...call }: ToolCall,
    { callMs, totalMs }: TimeLimits,
    signal: AbortSignal,
    onProgress: (progress: Progress) => void,
  ) {
    const params = {
      ...defined(call),
      ...(args === undefined ? {} : { arguments: args }),
      ...(capabilities === undefined || this.isLegacy
        ? {}
        : { _meta: { [CLIENT_CAPABILITIES_META_KEY]: capabilities } }),
    };
    const ask = () =>
      this.client.request({ method: "tools/call", params }, {
        signal,
        timeout: callMs,
        maxTotalTimeout: totalMs,
        resetTimeoutOnProgress: true,
        allowInputRequired: true,
        // Given even if nobody listens: progress moves the time limit.
        onprogress: (progress) => onProgress(this.#clean(progress)),
      });
    try {
      const result = await this.#ask(callMs, ask, signal);
      if ("isError" in result && result.isError === true) this.hasFailed = true;
      return result;
    } catch (error) {
      if (error instanceof ProtocolError) this.hasFailed = true;
      throw error;
    }
  }

  /** Every page of its tools. */
  async listTools(timeoutMs: number): Promise<Tool[]> {
    const tools: Tool[] = [];
    let length = 0;
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#ask(
        timeoutMs,
        () => this.client.request({ method: "tools/list", params }, { timeout: timeoutMs }),
      );
      tools.push(...answer.tools);
      length += JSON.stringify(answer.tools).length;
      if (tools.length > MAX_TOOLS || length > MAX_LIST_LENGTH) {
        throw new ToolCallError("too_large", `the server lists more than ${MAX_TOOLS} tools, or more than 1 MiB`);
      }
      cursor = answer.nextCursor;
      if (cursor === undefined) return tools;
    }
    throw new ToolCallError("start_failed", `the server's list of tools has more than ${MAX_PAGES} pages`);
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

  async #ask<T>(timeoutMs: number, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return this.#clean(await work());
    } catch (error) {
      if (signal?.aborted) throw new ToolCallError("cancelled", "the call was cancelled");
      throw this.#translate(error, timeoutMs);
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

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T;
}
