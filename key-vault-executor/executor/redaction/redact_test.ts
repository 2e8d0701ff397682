import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { wrappedNeedlesOf } from "./needles.ts";
import { isTelling, makeRedact, redactValue } from "./redact.ts";
import { unwrap } from "./wrapped.ts";

const SECRET = 'wJalrXUtn/FEMI+K7"MDENG&bPx RfiCY<EXAMPLE>KEY';
const PEM = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIGJ1x0ZpR0d3aGF0ZXZlcndoYXRldmVyd2hhdGV2ZXI
AbCdEfGhIjKlMnOp
-----END PRIVATE KEY-----
`;
const redact = makeRedact([{ name: "AMAZON_SECRET", value: SECRET }]);
const encoder = new TextEncoder();

function base64(text: string): string {
  return btoa(Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join(""));
}

Deno.test("redact() finds a secret in every common form", () => {
  const hex = Array.from(encoder.encode(SECRET), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const forms = [
    SECRET,
    JSON.stringify(SECRET).slice(1, -1),
    JSON.stringify(SECRET).slice(1, -1).replaceAll("/", "\\/"),
    encodeURIComponent(SECRET),
    encodeURIComponent(SECRET).toLowerCase().replace(/./g, (_, index) => encodeURIComponent(SECRET)[index] ?? "")
      .replace(/%../g, (code) => code.toLowerCase()),
    new URLSearchParams({ x: SECRET }).toString().slice(2),
    SECRET.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;"),
    hex,
    hex.toUpperCase(),
  ];
  for (const form of forms) assertEquals(redact(`before ${form} after`), "before [redacted AMAZON_SECRET] after", form);
});

Deno.test("redact() finds a secret in base64, whatever comes before and after it", () => {
  const value = "AKIAIOSFODNN7EXAMPLE";
  const clean = makeRedact([{ name: "KEY", value }]);
  fc.assert(fc.property(fc.string({ maxLength: 9 }), fc.string({ maxLength: 9 }), (before, after) => {
    const encoded = base64(before + value + after);
    for (const text of [encoded, encoded.replaceAll("+", "-").replaceAll("/", "_")]) {
      const cleaned = clean(text);
      assert(cleaned.includes("[redacted KEY]"), text);
      // What is left of the encoding tells three characters of the value at most, at each end.
      const [start = "", end = ""] = cleaned.split("[redacted KEY]");
      assert(start.length + end.length <= base64(before).length + base64(after).length + 8, cleaned);
    }
  }));
});

/** As `base64`, MIME and PEM write it. */
function inLines(text: string, length: number, ending: string): string {
  return (text.match(new RegExp(`.{1,${length}}`, "g")) ?? []).map((line) => line + ending).join("");
}

Deno.test("redact() finds a secret in base64 and hex that is written in lines, wherever a line ends in it", () => {
  const value = "AKIAIOSFODNN7EXAMPLE";
  const clean = makeRedact([{ name: "KEY", value }, { name: "PEM", value: PEM }]);
  const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 200 });
  const line = fc.record({ length: fc.constantFrom(1, 60, 64, 76), ending: fc.constantFrom("\n", "\r\n", "\n\n \t") });
  fc.assert(
    fc.property(ascii, fc.constantFrom(value, PEM), ascii, line, (before, secret, after, { length, ending }) => {
      const hex = Array.from(encoder.encode(before + secret + after), (byte) => byte.toString(16).padStart(2, "0"));
      for (const encoded of [base64(before + secret + after), hex.join("")]) {
        const cleaned = clean(`first\n${inLines(encoded, length, ending)}last`);
        assert(cleaned.includes(secret === PEM ? "[redacted PEM]" : "[redacted KEY]"), cleaned);
        assert(cleaned.startsWith("first\n") && cleaned.endsWith("last"), cleaned);
        const rest = unwrap(cleaned);
        assertEquals(wrappedNeedlesOf(secret).filter((needle) => rest.includes(needle)), [], cleaned);
      }
    }),
  );
});

Deno.test("redact() leaves lines in which there is no secret", () => {
  const clean = makeRedact([{ name: "KEY", value: "AKIAIOSFODNN7EXAMPLE" }]);
  for (const text of ["one\ntwo\r\n\r\n  three\n", "\n", "\r", inLines(base64("no secret".repeat(20)), 76, "\r\n")]) {
    assertEquals(clean(text), text);
  }
});

Deno.test("redact() takes no more than linear time for lines that are made to be slow", () => {
  const value = "AKIAIOSFODNN7EXAMPLE";
  const clean = makeRedact([{ name: "KEY", value }]);
  const hostile = [
    (size: number) => inLines(base64(value.repeat(size / 27)), 1, "\n"),
    (size: number) => inLines(base64(`:${value}:`.repeat(size / 30)), 76, "\r\n"),
    (size: number) => "\n".repeat(size),
    (size: number) => " \n".repeat(size / 4) + " ".repeat(size / 2),
    (size: number) => "\r \t".repeat(size / 3),
    (size: number) => `${base64(value).slice(0, 20)}\n`.repeat(size / 21),
  ];
  const timeOf = (text: string) => {
    const begun = performance.now();
    clean(text);
    return performance.now() - begun;
  };
  for (const make of hostile) {
    const [half, whole] = [make(200_000), make(400_000)];
    timeOf(half);
    const times = [0, 1, 2].map(() => timeOf(whole) / (timeOf(half) + 1));
    assert(Math.min(...times) < 4, `twice the length took ${times.map((time) => time.toFixed(1))} times as long`);
  }
});

Deno.test("redactValue() leaves base64 that can be decoded, with nothing of a secret in it", () => {
  const value = "AKIAIOSFODNN7EXAMPLE";
  const clean = makeRedact([{ name: "KEY", value }]);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 9 }), fc.uint8Array({ maxLength: 9 }), (before, after) => {
    const [start, end] = [before, after].map((bytes) => String.fromCharCode(...bytes));
    const blob = btoa(`${start}${value}${end}`);
    for (const item of [{ blob }, { type: "image", mimeType: "image/png", data: blob }]) {
      const told = JSON.parse(JSON.stringify(redactValue(item, clean)));
      assertEquals(atob(told.blob ?? told.data), `${start}[redacted KEY]${end}`);
    }
  }));
  // Bytes that are redacted in no other way are left out whole.
  const umlauts = makeRedact([{ name: "KEY", value: "Pässwörter-für-Ämter" }]);
  assertEquals(redactValue({ blob: base64(".. Pässwörter-für-Ämter") }, umlauts), { blob: btoa("[redacted]") });
  assertEquals(redactValue({ blob: `no base64: ${value}` }, clean), { blob: "no base64: [redacted KEY]" });
  // What is no base64 by its place stays text, whatever it looks like.
  assertEquals(redactValue({ text: value, data: value }, clean), { text: "[redacted KEY]", data: "[redacted KEY]" });
});

Deno.test("redact() finds the lines of a PEM key, and leaves its first and last line", () => {
  const clean = makeRedact([{ name: "TLS_KEY", value: PEM }]);
  assertEquals(clean(`key: ${PEM}`), "key: [redacted TLS_KEY]");
  assertEquals(clean("> MC4CAQAwBQYDK2VwBCIEIGJ1x0ZpR0d3aGF0ZXZlcndoYXRldmVyd2hhdGV2ZXI"), "> [redacted TLS_KEY]");
  assertEquals(clean("-----BEGIN PRIVATE KEY-----"), "-----BEGIN PRIVATE KEY-----");
});

Deno.test("redact() names the longer of two secrets of which one is part of the other", () => {
  const clean = makeRedact([{ name: "SHORT", value: "abcd1234efgh" }, { name: "LONG", value: "abcd1234efgh5678" }]);
  assertEquals(clean("abcd1234efgh5678 abcd1234efgh"), "[redacted LONG] [redacted SHORT]");
});

Deno.test("redactValue() cleans every string, the names of members too, and keeps everything else", () => {
  const value = JSON.parse(`{"a": [1, null, true, ${JSON.stringify(SECRET)}], "__proto__": {"x": 1}}`);
  const redacted = redactValue({ ...value, [SECRET]: 1 }, redact);
  const text = JSON.stringify(redacted);
  assert(!text.includes("wJalrXUtn"));
  assertEquals(text.match(/\[redacted AMAZON_SECRET\]/g)?.length, 2);
  assertEquals(redactValue({ a: [1, null, true, "text"] }, redact), { a: [1, null, true, "text"] });
});

Deno.test("redactValue() never lets a random secret through, in whatever JSON it is", () => {
  const secret = fc.string({ minLength: 21, maxLength: 80, unit: "binary" }).filter(isTelling);
  fc.assert(fc.property(secret, fc.jsonValue(), (value, json) => {
    const clean = makeRedact([{ name: "KEY", value }]);
    const text = JSON.stringify(redactValue([json, { [`x${value}`]: [`${value}y`] }], clean));
    assertEquals(text.includes(JSON.stringify(value).slice(1, -1)), false);
  }));
});

Deno.test("isTelling() leaves out what would garble ordinary results", () => {
  const ordinary = ["us-east-1", "ap-southeast-2", "production", "Acme_Shop", "true", "12345", "hunter2", "00000000"];
  for (const value of [...ordinary, "https://api.example.com", "http://localhost:3000/", ""]) {
    assertEquals(isTelling(value), false, value);
  }
  const secrets = ["AKIAIOSFODNN7EXAMPLE", "Tr0ub4dor&3", "a8f5f167", "p4ssw0rd!", "4111111111111234"];
  for (const value of [...secrets, "correct horse battery staple", "https://user:pw@host.example", "aBcDeFgH"]) {
    assertEquals(isTelling(value), true, value);
  }
});

Deno.test("redactValue() replaces a number that is a secret, and Go's escapes of one", () => {
  const hide = makeRedact([{ name: "ID", value: "123456789012" }, { name: "KEY", value: "k9&Zz<pQ7>vv12" }]);
  assertEquals(redactValue({ id: 123456789012, other: 12345 }, hide), { id: "[redacted ID]", other: 12345 });
  assertEquals(hide("k9\\u0026Zz\\u003cpQ7\\u003evv12"), "[redacted KEY]");
});
