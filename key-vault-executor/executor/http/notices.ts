/** What a server tells while it works on a call: passed on to the caller, redacted already, in bounded amounts. */

import type { LoggingMessageNotificationParams, Progress } from "@modelcontextprotocol/client";
import { LOG_LEVEL_META_KEY, type ServerContext } from "@modelcontextprotocol/server";
import { isAtLeast, isLogLevel, type LogLevel } from "shared/mcp/log_levels.ts";
import { MAX_NOTICE_LENGTH, NoticeLimit } from "./notice_limit.ts";

/** What a server that must be told a level is asked for, when the caller's revision has no level in its requests. */
const DEFAULT_LEVEL: LogLevel = "info";

export class Notices {
  readonly #limit = new NoticeLimit(performance.now());
  readonly #envelope: Readonly<Record<string, unknown>> | undefined;

  constructor(readonly context: ServerContext) {
    const { envelope } = context.mcpReq;
    this.#envelope = envelope && { ...envelope };
  }

  /** The level of the messages that the server should send, or undefined if the caller wants none. */
  get logLevel(): LogLevel | undefined {
    if (this.#envelope === undefined) return DEFAULT_LEVEL;
    const level = this.#envelope[LOG_LEVEL_META_KEY];
    return isLogLevel(level) ? level : undefined;
  }

  /** To the caller who asked for it. The call goes on if nobody listens any more. */
  passProgress({ progress, total, message }: Progress): void {
    const progressToken = this.context.mcpReq._meta?.progressToken;
    if (progressToken === undefined || !this.#limit.takes(performance.now())) return;
    const params = {
      progress,
      ...(total !== undefined && { total }),
      ...(message !== undefined && { message: message.slice(0, MAX_NOTICE_LENGTH) }),
      progressToken,
    };
    this.context.mcpReq.notify({ method: "notifications/progress", params }).catch(() => {});
  }

  /** A caller of 2025 gets every message: the level that it may have set was told to no session. */
  passMessage({ level, logger, data }: LoggingMessageNotificationParams): void {
    const least = this.#envelope === undefined ? "debug" : this.logLevel;
    if (least === undefined || !isAtLeast(level, least) || !this.#limit.takes(performance.now())) return;
    const params = {
      level,
      ...(logger !== undefined && { logger: logger.slice(0, MAX_NOTICE_LENGTH) }),
      data: shortened(data),
    };
    this.context.mcpReq.notify({ method: "notifications/message", params }).catch(() => {});
  }
}

/** A value that is too long becomes the beginning of its JSON. */
function shortened(data: unknown): unknown {
  if (typeof data === "string") return data.slice(0, MAX_NOTICE_LENGTH);
  const text = JSON.stringify(data) ?? "null";
  return text.length > MAX_NOTICE_LENGTH ? text.slice(0, MAX_NOTICE_LENGTH) : data;
}
