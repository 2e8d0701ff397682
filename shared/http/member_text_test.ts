import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { memberText } from "./member_text.ts";

Deno.test("memberText() returns a member's text unchanged", () => {
  const text = '{"a": [{"b": 1}], "params" : {"name":"x", "arguments": {"n": 1.0e2, "s":"}\\"{,:"} } }';
  assertEquals(memberText(text, ["params", "arguments"]), '{"n": 1.0e2, "s":"}\\"{,:"}');
  assertEquals(memberText(text, ["params", "name"]), '"x"');
  assertEquals(memberText(text, ["a"]), '[{"b": 1}]');
  assertEquals(memberText(text, ["b"]), undefined);
  assertEquals(memberText(text, ["a", "b"]), undefined);
  assertEquals(memberText("[1]", ["a"]), undefined);
});

Deno.test("memberText() finds the last of several members with one name, however the name is escaped", () => {
  assertEquals(memberText('{"a":1,"\\u0061":{"a":9},"b":3}', ["a"]), '{"a":9}');
});

Deno.test("memberText() finds what JSON.parse finds", () => {
  const object = fc.dictionary(fc.oneof(fc.constant("a"), fc.string()), fc.jsonValue());
  const indent = fc.constantFrom(0, 2);
  fc.assert(fc.property(object, indent, (value, space) => {
    const text = JSON.stringify(value, null, space);
    const parsed = JSON.parse(text);
    for (const name of Object.keys(parsed)) {
      assertEquals(JSON.parse(memberText(text, [name]) ?? "null"), parsed[name], name);
    }
  }));
});
