import { assert, assertEquals } from "@std/assert";
import type * as z from "zod/mini";
import * as fields from "./request_fields.ts";
import { encodeCursor } from "./paging.ts";

const ASTRAL = "\u{1f511}";

function check(schema: z.ZodMiniType, good: unknown[], bad: unknown[]): void {
  for (const value of good) assert(schema.safeParse(value).success, `refused ${JSON.stringify(value)?.slice(0, 80)}`);
  for (const value of bad) assert(!schema.safeParse(value).success, `accepted ${JSON.stringify(value)?.slice(0, 80)}`);
}

Deno.test("serverId is 1 to 128 characters of its alphabet", () => {
  check(fields.serverId(), ["a", "@scope/name", "a".repeat(128), "0.:_-/"], [
    "",
    "-a",
    "a".repeat(129),
    "a b",
    "ä",
    "a\n",
    1,
    null,
  ]);
});

Deno.test("serverName and command count code points, and refuse blanks, controls and lone surrogates", () => {
  check(fields.serverName(), ["a", ASTRAL.repeat(200), "e\u0301".repeat(100), " x "], [
    "",
    " ",
    "\u00a0\u3000\ufeff",
    "a".repeat(201),
    ASTRAL.repeat(201),
    "a\u0000",
    "a\n",
    "a\u0085",
    "\ud800",
    1,
  ]);
  check(fields.command(), ["node", ASTRAL.repeat(1024)], [ASTRAL.repeat(1025), "\u2028", "no\tde"]);
});

Deno.test("args are 1 to 128 strings of 1 to 4096, 32 KiB together", () => {
  check(fields.args(), [["a"], Array(128).fill("a"), [ASTRAL.repeat(4096)], Array(8).fill("a".repeat(4096)), [" "]], [
    [],
    Array(129).fill("a"),
    ["a".repeat(4097)],
    [""],
    ["a\n"],
    ["\udfff"],
    [1],
    "a",
    null,
    { 0: "a" },
    [...Array(8).fill("a".repeat(4096)), "a"],
  ]);
});

Deno.test("toolPrefix is dotted segments of at most 64 characters, ending in a dot", () => {
  check(fields.toolPrefix(), ["a.", "amazon.order.", "A-b_c.9.", `${"a".repeat(63)}.`], [
    "",
    ".",
    "a",
    "a..",
    ".a.",
    "-a.",
    "a-.",
    "_a.",
    "a b.",
    `${"a".repeat(64)}.`,
    "a.\n",
    "ä.",
    "a.b",
  ]);
});

Deno.test("service and credentialType are 1 to 64 characters of their alphabet", () => {
  for (const schema of [fields.service(), fields.credentialType()]) {
    check(schema, ["a", "a".repeat(64), "Amazon:eu/1._-"], ["", "a".repeat(65), "-a", "a b", "é", "a\u0000"]);
  }
});

Deno.test("credentials are an object with a member, 64 KiB at most as JSON", () => {
  const filled = (bytes: number) => ({ a: "x".repeat(bytes - '{"a":""}'.length) });
  check(fields.credentials(), [{ a: null }, JSON.parse('{"__proto__":1}'), filled(65536)], [
    {},
    [],
    [1],
    "a",
    1,
    null,
    filled(65537),
    { a: "ü".repeat(32_768) },
  ]);
});

Deno.test("credentials are returned as the same object", () => {
  const value = JSON.parse('{"__proto__":{"a":1},"b":2}');
  assertEquals(fields.credentials().parse(value), value);
  assert(fields.credentials().parse(value) === value);
});

Deno.test("limit is a whole number from 1 to 1000, written plainly", () => {
  check(fields.limit(), ["1", "1000", undefined], ["0", "1001", "-1", "1.0", "1e2", " 1", "01", ""]);
  assertEquals([fields.limit().parse("20"), fields.limit().parse(undefined)], [20, 1000]);
});

Deno.test("flag is true or false", () => {
  check(fields.flag(), ["true", "false"], ["", "1", "TRUE", true]);
  assertEquals(fields.flag().parse("false"), false);
});

Deno.test("cursor returns its position", () => {
  assertEquals(fields.cursor(1).parse(encodeCursor(["t", "s"])), ["t", "s"]);
  check(fields.cursor(1), [], ["x", encodeCursor(["t", "s", "u"]), ""]);
});
