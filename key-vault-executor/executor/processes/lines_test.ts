import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LineSplitter, LineTooLong } from "./lines.ts";

Deno.test("LineSplitter finds the same lines however the bytes are cut", () => {
  const line = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
  fc.assert(fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, cuts) => {
    const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(""));
    const splitter = new LineSplitter(1000);
    const found: string[] = [];
    let offset = 0;
    for (const size of [...cuts, bytes.length]) {
      found.push(...splitter.split(bytes.slice(offset, offset + size)));
      offset += size;
    }
    // A decoder drops a byte order mark, as it should at the beginning of a text.
    assertEquals(found, lines.map((text) => text.replace(/^\ufeff/, "")));
  }));
});

Deno.test("LineSplitter holds no more than a line's limit, wherever the chunks end", () => {
  const splitter = new LineSplitter(10);
  assertEquals([...splitter.split(new Uint8Array(10).fill(65))], []);
  assertThrows(() => [...splitter.split(new Uint8Array(1).fill(65))], LineTooLong);
  const other = new LineSplitter(10);
  const text = new TextEncoder().encode("0123456789\n0123456789\r\n");
  assertThrows(() => [...other.split(text)], LineTooLong);
});
