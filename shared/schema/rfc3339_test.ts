import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { normalizeTime } from "./rfc3339.ts";

Deno.test("normalizeTime() accepts every form of RFC 3339, and returns UTC with microseconds", async (t) => {
  const cases: [text: string, expected: string][] = [
    ["2026-02-23T12:00:00Z", "2026-02-23T12:00:00.000000Z"],
    ["2026-02-23t12:00:00z", "2026-02-23T12:00:00.000000Z"],
    ["2026-02-23T12:00:00.1Z", "2026-02-23T12:00:00.100000Z"],
    ["2026-02-23T12:00:00.123456789Z", "2026-02-23T12:00:00.123457Z"],
    ["2026-02-23T12:00:00.123456000Z", "2026-02-23T12:00:00.123456Z"],
    ["2026-12-31T23:59:59.999999001Z", "2027-01-01T00:00:00.000000Z"],
    ["2026-02-23T12:00:00+05:30", "2026-02-23T06:30:00.000000Z"],
    ["2026-02-23T12:00:00-23:59", "2026-02-24T11:59:00.000000Z"],
    ["2026-02-23T12:00:00+00:00", "2026-02-23T12:00:00.000000Z"],
    ["2026-02-23T12:00:00-00:00", "2026-02-23T12:00:00.000000Z"],
    ["2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z"],
    ["1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000000Z"],
    ["1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000000Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"],
    ["9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"],
  ];
  for (const [text, expected] of cases) {
    await t.step(text, () => assertEquals(normalizeTime(text), expected));
  }
});

Deno.test("normalizeTime() refuses times that are not RFC 3339, and years that PostgreSQL does not write with four digits", async (t) => {
  const bad = [
    "",
    "yesterday",
    "infinity",
    "2026-01-01",
    "2026-01-01T00:00Z",
    "2026-01-01T00:00:00",
    "2026-01-01 00:00:00Z",
    "2026-01-01T00:00:00.Z",
    "2026-01-01T00:00:00,5Z",
    "2026-01-01T00:00:00 01:00",
    "2026-01-01T00:00:00+24:00",
    "2026-01-01T00:00:00+01:60",
    "2026-01-01T00:00:00+0100",
    "2026-01-01T24:00:00Z",
    "2026-01-01T23:60:00Z",
    "2026-01-01T23:59:61Z",
    "2026-01-01T12:00:60Z",
    "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "0000-12-31T23:59:59Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59.9999991Z",
    "9999-12-31T23:59:59-00:01",
    "12026-01-01T00:00:00Z",
    "2026-01-01T00:00:00Z\n",
  ];
  for (const text of bad) {
    await t.step(JSON.stringify(text), () => assertEquals(normalizeTime(text), undefined));
  }
});

Deno.test("normalizeTime() agrees with Date for every time that a Date can hold", () => {
  const min = new Date("0001-01-01T00:00:00Z");
  const max = new Date("9999-12-31T23:59:59.999Z");
  fc.assert(fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
    assertEquals(normalizeTime(date.toISOString()), date.toISOString().replace("Z", "000Z"));
  }));
});
