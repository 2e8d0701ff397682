import { assertEquals } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import { decodeCursor, encodeCursor } from "./paging.ts";

Deno.test("decodeCursor() reads what encodeCursor() wrote", () => {
  assertEquals(decodeCursor(encodeCursor(["tenant", "a/b", "ü"]), 2), ["tenant", "a/b", "ü"]);
});

Deno.test("decodeCursor() refuses every truncated cursor, and a cursor of another list", () => {
  const cursor = encodeCursor(["0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11", "my-amazon-server"]);
  for (let length = 0; length < cursor.length; length++) {
    assertEquals(decodeCursor(cursor.slice(0, length), 1), undefined, `${length} characters`);
  }
  assertEquals(decodeCursor(cursor, 2), undefined);
});

Deno.test("decodeCursor() refuses what only looks like a cursor", () => {
  for (const text of ["{}", '["t",1]', '["t","a\\u0000"]', '["t","\\ud800"]', '"t"', "null", "\ufffe"]) {
    assertEquals(decodeCursor(encodeBase64Url(text), 1), undefined, text);
  }
  for (const text of ["", "!", "%", "a b"]) assertEquals(decodeCursor(text, 1), undefined, text);
});
