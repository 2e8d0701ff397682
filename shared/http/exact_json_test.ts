import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../api_error.ts";
import { parseJson } from "./exact_json.ts";

function fault(text: string): [string, string | undefined] {
  const error = assertThrows(() => parseJson(text), ApiError);
  return [error.code, error.fields?.[0]?.path];
}

Deno.test("parseJson() keeps every JSON value", () => {
  const text =
    '{"credentials":{"a":[1,-2.5,1e3,true,null,"\\n\\u0000\\ud800\\"}],{"],"__proto__":{"x":{}},"":""},"b":"1e400"}';
  assertEquals(JSON.stringify(parseJson(text)), text.replace("1e3", "1000"));
});

Deno.test("parseJson() refuses malformed JSON", () => {
  for (const text of ["", "{", "{'a':1}", "[1,]", "NaN", '{"a":1}x', "\u0000"]) {
    assertEquals(fault(text), ["invalid_json", undefined], text);
  }
});

Deno.test("parseJson() keeps numbers that a double holds", () => {
  for (
    const number of [
      "0",
      "0.0",
      "9007199254740991",
      "-9007199254740992",
      "0.1",
      "1e21",
      "5e-324",
      "1.50",
      "1.7976931348623157e308",
      "100000000000000000000000",
    ]
  ) {
    assertEquals(parseJson(`[${number}]`), [Number(number)], number);
  }
});

Deno.test("parseJson() refuses numbers that a double does not hold, and names the member", () => {
  for (
    const number of [
      "9007199254740993",
      "1e400",
      "-1e400",
      "1e-400",
      "-0",
      "-0.0",
      "0.10000000000000000001",
      "123456789012345678901",
    ]
  ) {
    assertEquals(
      fault(`{"server_id":"x","credentials":{"deep":[${number}]}}`),
      ["invalid_request", "credentials"],
      number,
    );
  }
});

Deno.test("parseJson() refuses a name that occurs twice, however it is escaped", () => {
  assertEquals(fault('{"a":1,"a":1}'), ["invalid_request", "a"]);
  assertEquals(fault('{"credentials":{"x":{"k":1,"\\u006b" :2}}}'), ["invalid_request", "credentials"]);
  assertEquals(parseJson('{"a":{"b":1},"c":{"b":1},"d":"b","e":["b","b"]}'), {
    a: { b: 1 },
    c: { b: 1 },
    d: "b",
    e: ["b", "b"],
  });
});

Deno.test("parseJson() keeps 32 levels below the body, and refuses 33", () => {
  const nested = (levels: number) => `{"credentials":${'{"a":'.repeat(levels - 1)}[1]${"}".repeat(levels - 1)}}`;
  parseJson(nested(32));
  assertEquals(fault(nested(33)), ["invalid_request", "credentials"]);
  assertEquals(fault("[".repeat(60_000) + "]".repeat(60_000)), ["invalid_request", ""]);
});

Deno.test("parseJson() does not name a member that may be the caller's secret", () => {
  assertEquals(fault('{"sk_live_1234":1e999}'), ["invalid_request", ""]);
});
