import { assertEquals, assertRejects } from "@std/assert";
import { type End, watchBody } from "./watched_body.ts";

const STAYS = new AbortController().signal;

const encode = (text: string) => new TextEncoder().encode(text);

function sourceOf(parts: string[], error?: Error): ReadableStream<Uint8Array> {
  const rest = [...parts];
  return new ReadableStream({
    pull(controller) {
      const part = rest.shift();
      if (part !== undefined) controller.enqueue(encode(part));
      else if (error !== undefined) controller.error(error);
      else controller.close();
    },
  });
}

Deno.test("watchBody() passes a body on unchanged, and tells its end and its last characters", async () => {
  const parts = ["a".repeat(300), "b", "", "c".repeat(100)];
  const { body, ended } = watchBody(sourceOf(parts), () => undefined, STAYS);
  assertEquals(await new Response(body).text(), parts.join(""));
  assertEquals(await ended, { end: "whole", tail: "a".repeat(27) + "b" + "c".repeat(100) });
});

Deno.test("watchBody() passes each part on when it comes, and reads no further than it is read", async () => {
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(encode(String(pulled++))),
  }, { highWaterMark: 0 });
  const { body, ended } = watchBody(endless, () => undefined, STAYS);
  const reader = body.getReader();
  for (const expected of ["0", "1", "2"]) {
    assertEquals(new TextDecoder().decode((await reader.read()).value), expected);
  }
  assertEquals(pulled <= 4, true, `${pulled}`);
  await reader.cancel();
  assertEquals((await ended).end, "left");
});

Deno.test("watchBody() passes on that its source broke, unless something is to be said instead", async () => {
  const broken = watchBody(sourceOf(["a"], new Error("lost")), () => undefined, STAYS);
  await assertRejects(() => new Response(broken.body).text());
  assertEquals((await broken.ended).end, "broken");
  const seen: [End, string][] = [];
  const mended = watchBody(sourceOf(["a"], new Error("lost")), (end, tail) => {
    seen.push([end, tail]);
    return "!";
  }, STAYS);
  assertEquals(await new Response(mended.body).text(), "a!");
  assertEquals([seen, (await mended.ended).end], [[["broken", "a"]], "broken"]);
});

Deno.test("watchBody() says that its reader left, also if that broke the source, or before anything was read", async () => {
  const gone = new AbortController();
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => gone.signal.addEventListener("abort", () => controller.error(gone.signal.reason)),
  });
  const { ended } = watchBody(source, () => undefined, gone.signal);
  gone.abort();
  assertEquals((await ended).end, "left");
  let isCancelled = false;
  const unread = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) });
  assertEquals((await watchBody(unread, () => undefined, gone.signal).ended).end, "left");
  assertEquals(isCancelled, true);
});

Deno.test("watchBody() keeps to the end that came first", async () => {
  const gone = new AbortController();
  const { body, ended } = watchBody(sourceOf(["a"]), () => undefined, gone.signal);
  assertEquals(await new Response(body).text(), "a");
  gone.abort();
  assertEquals((await ended).end, "whole");
});
