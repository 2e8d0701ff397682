/** A request's body, bounded in bytes and in time, and whether the decision is about it. */

import { type Decision, DecisionRefused } from "shared/decision/decision.ts";
import { sha256 } from "shared/crypto/sha256.ts";

export class BodyRefused extends Error {
  override name = "BodyRefused";

  constructor(readonly status: 408 | 413, message: string) {
    super(message);
  }
}

/** @throws {BodyRefused} */
export async function readBody(
  request: Request,
  maxBytes: number,
  timeoutMs: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = request.body?.getReader();
  if (reader === undefined) return new Uint8Array();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    // Ends the read that waits.
    void reader.cancel();
  }, timeoutMs);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (isLate) throw new BodyRefused(408, `the body took over ${timeoutMs / 1000} s`);
      if (done) return join(chunks, size);
      chunks.push(value);
      size += value.length;
      if (size <= maxBytes) continue;
      void reader.cancel();
      throw new BodyRefused(413, `the body has over ${maxBytes} bytes`);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** @throws {DecisionRefused} if the decision is about another body. */
export function requireBody({ body_sha256 }: Decision, body: Uint8Array): void {
  if (body_sha256 !== sha256(body)) throw new DecisionRefused("the decision is for another body");
}

function join(chunks: Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}
