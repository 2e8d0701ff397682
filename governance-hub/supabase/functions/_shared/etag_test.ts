import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "shared/api_error.ts";
import { listEtag, readIfMatch, readIfNoneMatch, serverEtag } from "./etag.ts";

const TENANT = "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11";

function ifMatch(tag: string | undefined, ifVersion?: number): number | undefined {
  return readIfMatch(new Headers(tag === undefined ? {} : { "if-match": tag }), ifVersion);
}

Deno.test("readIfNoneMatch() reads tags of listEtag(), weak or strong, among others", () => {
  const known = [{ tenant_id: TENANT, revision: 7 }, { tenant_id: TENANT, revision: 0 }];
  const [seven = "", none = ""] = known.map(listEtag);
  for (const header of [`${seven}, ${none}`, `W/${seven},${none}`, `"x", ${seven}, W/"y", W/${none}`]) {
    assertEquals(readIfNoneMatch(new Headers({ "if-none-match": header })), known, header);
  }
});

Deno.test("readIfNoneMatch() reads * as any list", () => {
  for (const header of ["*", " * "]) {
    assertEquals(readIfNoneMatch(new Headers({ "if-none-match": header })), "any", header);
  }
});

Deno.test("readIfNoneMatch() skips anything that is not a tag of a list, and stops at a hundred tags", () => {
  const tag = listEtag({ tenant_id: TENANT, revision: 7 });
  const others = [
    "",
    "x*",
    "x",
    '"7"',
    tag.replace("v1", "v2"),
    tag.replaceAll('"', ""),
    `"v1.${"9".repeat(16)}.${TENANT}"`,
  ];
  for (const header of others) assertEquals(readIfNoneMatch(new Headers({ "if-none-match": header })), [], header);
  assertEquals(readIfNoneMatch(new Headers({ "if-none-match": Array(500).fill(tag).join() })).length, 100);
});

Deno.test("readIfMatch() reads a version from the header or the body, and returns undefined for * or neither", () => {
  assertEquals([ifMatch(undefined), ifMatch("*"), ifMatch("*", 3), ifMatch(undefined, 3)], [
    undefined,
    undefined,
    3,
    3,
  ]);
  assertEquals([ifMatch(serverEtag(3)), ifMatch('W/"3"'), ifMatch(' "3" ', 3)], [3, 3, 3]);
});

Deno.test("readIfMatch() reads a tag that is not a version as one that never matches", () => {
  for (const tag of ['""', '"0"', '"03"', '"x"', '"1234567890"', '"-1"', 'W/"x"']) assertEquals(ifMatch(tag), 0, tag);
});

Deno.test("readIfMatch() refuses several tags, a malformed tag, and a tag that differs from the body's version", () => {
  const fieldOf = (tag: string, ifVersion?: number) => {
    const { code, fields } = assertThrows(() => ifMatch(tag, ifVersion), ApiError);
    assertEquals(code, "invalid_request");
    return fields?.[0]?.path;
  };
  for (const tag of ['"1", "2"', "1", '"1', ""]) assertEquals(fieldOf(tag), "", tag);
  assertEquals(fieldOf('"1"', 2), "if_version");
  assertEquals(fieldOf('"x"', 2), "if_version");
});
