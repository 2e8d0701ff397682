import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { visible, visibleJson } from "./visible.ts";

const CASES: [text: string, shown: string, json: string][] = [
  ["plain é 漢 🔑 ~", "plain é 漢 🔑 ~", '"plain é 漢 🔑 ~"'],
  ["a\u{202e}b\u{2066}", "a\\u{202e}b\\u{2066}", '"a\\u202eb\\u2066"'],
  ["\u{1b}[2J\r\n\t", "\\u{1b}[2J\\u{d}\\u{a}\\u{9}", '"\\u001b[2J\\r\\n\\t"'],
  [
    "\u{7f}\u{9b}\u{ad}\u{200b}\u{feff}",
    "\\u{7f}\\u{9b}\\u{ad}\\u{200b}\\u{feff}",
    '"\\u007f\\u009b\\u00ad\\u200b\\ufeff"',
  ],
  ["\u{2028}\u{2029}\u{e0041}", "\\u{2028}\\u{2029}\\u{e0041}", '"\\u2028\\u2029\\udb40\\udc41"'],
];

for (const [text, shown, json] of CASES) {
  Deno.test(`visible() and visibleJson() show ${json}`, () => {
    assertEquals([visible(text), visibleJson(text)], [shown, json]);
  });
}

Deno.test("visibleJson() parses to the value, indented or not, and has no hidden character", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
    const all = { value, [text]: text };
    for (const indent of [undefined, 2]) {
      const json = visibleJson(all, indent);
      assertEquals(JSON.stringify(JSON.parse(json)), JSON.stringify(all), `indent ${indent}`);
      assertEquals(/[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u.test(json), false, `indent ${indent}`);
    }
  }));
});
