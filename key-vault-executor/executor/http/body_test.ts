import { assertEquals, assertRejects } from "@std/assert";
import { BodyRefused, readBody } from "./body.ts";

const post = (body: BodyInit | null) => new Request("http://localhost/", { method: "POST", body });

Deno.test("readBody() reads up to its limit, however the body is cut", async () => {
  const chunks = ["ab", "", "cde"].map((text) => new TextEncoder().encode(text));
  const body = await readBody(post(ReadableStream.from(chunks)), 5, 1000);
  assertEquals(new TextDecoder().decode(body), "abcde");
  assertEquals((await readBody(post(null), 5, 1000)).length, 0);
  assertEquals((await assertRejects(() => readBody(post("123456"), 5, 1000), BodyRefused)).status, 413);
});

Deno.test("readBody() waits for its time limit only", async () => {
  const silent = new ReadableStream<Uint8Array>({ start: (control) => control.enqueue(new Uint8Array(1)) });
  assertEquals((await assertRejects(() => readBody(post(silent), 5, 50), BodyRefused)).status, 408);
});
