import { assertEquals, assertRejects } from "@std/assert";
import { ApiError } from "../api_error.ts";
import { MAX_BODY_BYTES, readJsonText } from "./body.ts";

function post(body: BodyInit, headers: Record<string, string> = {}): Request {
  return new Request("http://x", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
}

async function codeOf(request: Request): Promise<string> {
  return (await assertRejects(() => readJsonText(request), ApiError)).code;
}

// The first test: a timer that an earlier one left would hide a new one.
Deno.test("readJsonText() leaves no timer behind", { sanitizeOps: true }, async () => {
  assertEquals(await readJsonText(post("{}")), "{}");
});

Deno.test("readJsonText() reads a body of exactly the largest size, in chunks", async () => {
  const half = new Uint8Array(MAX_BODY_BYTES / 2).fill(0x20);
  assertEquals((await readJsonText(post(ReadableStream.from([half, half])))).length, MAX_BODY_BYTES);
});

Deno.test("readJsonText() refuses a body without an end, and stops reading it at 16 MiB", async () => {
  let chunks = 0;
  const endless = new ReadableStream({
    pull(controller) {
      chunks++;
      controller.enqueue(new Uint8Array(64 * 1024));
    },
  });
  assertEquals(await codeOf(post(endless)), "payload_too_large");
  assertEquals(chunks <= 16 * 16 + 2, true, `${chunks} chunks were pulled`);
});

Deno.test("readJsonText() refuses one byte more than the largest size", async () => {
  const half = new Uint8Array(MAX_BODY_BYTES / 2).fill(0x20);
  assertEquals(await codeOf(post(ReadableStream.from([half, half, new Uint8Array(1)]))), "payload_too_large");
});

Deno.test("readJsonText() trusts a content-length that is too large, but not one that is too small", async () => {
  assertEquals(await codeOf(post("{}", { "content-length": String(17 * 1024 * 1024) })), "payload_too_large");
  const large = new Uint8Array(MAX_BODY_BYTES + 1);
  assertEquals(await codeOf(post(ReadableStream.from([large]), { "content-length": "2" })), "payload_too_large");
});

Deno.test("readJsonText() accepts only application/json, with any parameters", async () => {
  assertEquals(await readJsonText(post("{}", { "content-type": "Application/JSON; charset=utf-8" })), "{}");
  for (const type of ["", "text/plain", "application/jsonp", "application/x-www-form-urlencoded"]) {
    assertEquals(await codeOf(post("{}", { "content-type": type })), "unsupported_media_type", type);
  }
});

Deno.test("readJsonText() refuses bytes that are not UTF-8", async () => {
  assertEquals(await codeOf(post(new Uint8Array([0x22, 0xff, 0x22]))), "invalid_json");
});

Deno.test("readJsonText() gives up on a body that does not arrive in time, and cancels it", async () => {
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const slow = new ReadableStream({
    start: (controller) => controller.enqueue(new Uint8Array([0x7b])),
    cancel: () => resolve(),
  });
  const error = await assertRejects(() => readJsonText(post(slow), { deadlineMs: 50 }), ApiError);
  assertEquals([error.code, error.status], ["request_timeout", 408]);
  await cancelled;
});

Deno.test("readJsonText() refuses an encoded body, and accepts identity", async () => {
  assertEquals(await readJsonText(post("{}", { "content-encoding": "identity" })), "{}");
  for (const encoding of ["gzip", "br", "identity, gzip"]) {
    const read = () => readJsonText(post("{}", { "content-encoding": encoding }));
    const error = await assertRejects(read, ApiError, "", encoding);
    assertEquals(error.code, "unsupported_media_type", encoding);
    assertEquals(error.message.includes("content-encoding"), true, encoding);
  }
});

Deno.test("readJsonText() uses whenEmpty for a request without a body, with any content-type", async () => {
  const whenEmpty = "{}";
  const empty = (headers: HeadersInit = {}) => new Request("http://x", { method: "POST", headers });
  assertEquals(await readJsonText(empty(), { whenEmpty }), "{}");
  assertEquals(await readJsonText(empty({ "content-type": "application/json" }), { whenEmpty }), "{}");
  assertEquals(await codeOf(empty()), "unsupported_media_type");
  const untyped = new Request("http://x", { method: "POST", body: new TextEncoder().encode("{}") });
  const error = await assertRejects(() => readJsonText(untyped, { whenEmpty }), ApiError);
  assertEquals(error.code, "unsupported_media_type");
});
