import { assertEquals } from "@std/assert";
import { MAX_LINES, OutputRing } from "./output_ring.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("OutputRing keeps the last 200 lines, and the one that has not ended", () => {
  const ring = new OutputRing((line) => line);
  for (let index = 0; index < 1000; index++) ring.add(bytes(`line ${index}\n`));
  ring.add(bytes("the last"));
  assertEquals(ring.lines.length, MAX_LINES);
  assertEquals(ring.lines[0], "line 801");
  assertEquals(ring.lines.at(-1), "the last");
});

Deno.test("OutputRing cleans a line that came in two chunks", () => {
  const ring = new OutputRing((line) => line.replaceAll("secret", "[redacted]"));
  ring.add(bytes("a sec"));
  ring.add(bytes("ret\n"));
  assertEquals(ring.lines, ["a [redacted]"]);
});

Deno.test("OutputRing cleans what goes over several lines", () => {
  const ring = new OutputRing((text) => text.replaceAll("sec\nret", "[redacted]"));
  ring.add(bytes("a sec\nret\nb"));
  assertEquals(ring.lines, ["a [redacted]", "b"]);
  assertEquals(new OutputRing((text) => text).lines, []);
});

Deno.test("OutputRing is bounded for a server that never ends a line", () => {
  const ring = new OutputRing((line) => line);
  for (let index = 0; index < 100; index++) ring.add(new Uint8Array(100_000).fill(65));
  assertEquals(ring.lines, ["[a line that was too long]"]);
  ring.add(bytes("end\nnext\n"));
  assertEquals(ring.lines, ["[a line that was too long]", "next"]);
});
