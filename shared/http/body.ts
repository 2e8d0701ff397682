/** Reads the body of a request. It never holds more than the limit in memory. */

import {
  bodyEndedEarly,
  invalidJson,
  payloadTooLarge,
  requestTimeout,
  unsupportedEncoding,
  unsupportedMediaType,
} from "../api_error.ts";
import { limitTime } from "../time_limit.ts";

/** 128 KiB: the largest credentials (64 KiB) with room for escapes. */
export const MAX_BODY_BYTES = 128 * 1024;

/**
 * 16 MiB. A body that is too large is read and discarded up to this size. Otherwise an older server resets the connection
 * of a client that is still sending, and the client never sees the answer.
 */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

/** A body must arrive within this time, so that a client that sends one byte a second does not hold a connection open. */
export const BODY_DEADLINE_MS = 10_000;

export interface BodyOptions {
  /** The text to use for a request without a body. If absent, such a request is refused. */
  whenEmpty?: string;
  deadlineMs?: number;
  /** {@linkcode MAX_BODY_BYTES} if absent. */
  maxBytes?: number;
}

/**
 * The body of a request as text.
 *
 * @throws {ApiError} `unsupported_media_type` unless `content-type` is JSON; `payload_too_large` after more than
 * `maxBytes`, whatever `content-length` says; `request_timeout` after the deadline; `invalid_json` if the
 * body is not UTF-8.
 */
export async function readJsonText(
  request: Request,
  { whenEmpty, deadlineMs = BODY_DEADLINE_MS, maxBytes = MAX_BODY_BYTES }: BodyOptions = {},
): Promise<string> {
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  // A request without a body needs no content-type.
  const isUntyped = mediaType === undefined && whenEmpty !== undefined;
  if (mediaType !== "application/json" && !isUntyped) throw unsupportedMediaType();
  const encoding = request.headers.get("content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity") {
    throw unsupportedEncoding();
  }
  const bytes = await readBytes(request, deadlineMs, maxBytes);
  if (whenEmpty !== undefined && bytes.length === 0) return whenEmpty;
  if (isUntyped) throw unsupportedMediaType();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalidJson();
  }
}

async function readBytes(request: Request, deadlineMs: number, maxBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length")) > MAX_DISCARDED_BYTES) throw payloadTooLarge(maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // `for await` takes three times as long as a reader.
  const reader = request.body?.getReader();
  let isLate = false;
  // Cancelling the reader ends a read that is waiting.
  const limit = limitTime(deadlineMs);
  limit.whenOver(() => {
    isLate = true;
    reader?.cancel().catch(() => {});
  });
  try {
    for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
      length += part.value.byteLength;
      if (length <= maxBytes) chunks.push(part.value);
      else if (length > MAX_DISCARDED_BYTES) break;
    }
  } catch {
    throw bodyEndedEarly();
  } finally {
    limit.end();
  }
  if (isLate) throw requestTimeout();
  if (length <= maxBytes) return joined(chunks, length);
  reader?.cancel().catch(() => {});
  throw payloadTooLarge(maxBytes);
}

function joined(chunks: Uint8Array[], length: number): Uint8Array {
  const [first = new Uint8Array()] = chunks;
  if (chunks.length < 2) return first;
  const bytes = new Uint8Array(length);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}
