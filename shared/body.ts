/** Reading a request's body, never keeping more of it than is allowed. */

import { ApiError } from "./api_error.ts";

/** 128 KiB: the largest credentials (64 KiB) with room for escapes. */
export const MAX_BODY_BYTES = 128 * 1024;

/**
 * 16 MiB: so much is read and thrown away of a body that is too large, since an older server breaks the connection of a
 * client that is still sending, which then does not see the answer.
 */
const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

/**
 * The body of a request as text.
 *
 * @throws {ApiError} `unsupported_media_type` unless it is said to be JSON; `payload_too_large` once more than
 * {@linkcode MAX_BODY_BYTES} have come, whatever `content-length` says; `invalid_json` when it is not UTF-8.
 */
export async function readJsonText(request: Request): Promise<string> {
  const mediaType = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw new ApiError("unsupported_media_type", "send the body as content-type: application/json");
  }
  const bytes = await readBytes(request);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError("invalid_json", "the body must be JSON (RFC 8259), in UTF-8");
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length")) > MAX_DISCARDED_BYTES) throw tooLarge();
  const bytes = new Uint8Array(MAX_BODY_BYTES);
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      length += chunk.byteLength;
      if (length <= MAX_BODY_BYTES) bytes.set(chunk, length - chunk.byteLength);
      else if (length > MAX_DISCARDED_BYTES) break;
    }
  } catch {
    throw new ApiError("invalid_json", "the body ended before it was whole");
  }
  if (length > MAX_BODY_BYTES) throw tooLarge();
  return bytes.subarray(0, length);
}

function tooLarge(): ApiError {
  return new ApiError("payload_too_large", `the body must be at most ${MAX_BODY_BYTES} bytes`);
}
