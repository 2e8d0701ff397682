import { assertEquals, assertMatch } from "@std/assert";
import { readExpiry, readPast } from "./expiry.ts";

Deno.test("readExpiry() accepts only days, hours, a date and an RFC 3339 time", () => {
  const now = new Date("2026-06-01T12:00:00Z");
  const good = [
    ["90d", "2026-08-30T12:00:00.000Z"],
    ["12h", "2026-06-02T00:00:00.000Z"],
    ["2027-01-01", "2027-01-01T00:00:00.000Z"],
    ["2028-02-29", "2028-02-29T00:00:00.000Z"],
    ["2027-01-01T12:00:00Z", "2027-01-01T12:00:00.000Z"],
    ["2027-01-01t12:00:00.5+02:00", "2027-01-01T10:00:00.500Z"],
  ] as const;
  for (const [given, expected] of good) assertEquals(readExpiry(given, now), expected, given);
  const malformed = [
    ..."|0d|d|90|90m|-1d|1.5d|999999d0|2027-1-1|2027-02-30|2027-02-29T00:00:00Z|2027-13-01".split("|"),
    ..."2027-01-01T12:00:00|2027-01-01T24:00:00Z|2027-01-01 12:00:00Z|tomorrow|9999999d".split("|"),
  ];
  for (const given of malformed) assertMatch(thrown(() => readExpiry(given, now)), /^--expires must be like /, given);
  for (const given of ["2026-06-01", "2026-06-01T12:00:00Z"]) {
    assertMatch(thrown(() => readExpiry(given, now)), /is in the past$/, given);
  }
});

Deno.test("readPast() accepts the same forms for the past, and keeps microseconds", () => {
  const now = new Date("2026-06-01T12:00:00Z");
  const good = [
    ["24h", "2026-05-31T12:00:00.000Z"],
    ["7d", "2026-05-25T12:00:00.000Z"],
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000Z"],
    ["2026-01-31t12:00:00.123456+02:00", "2026-01-31T10:00:00.123456Z"],
    ["2027-01-01", "2027-01-01T00:00:00.000Z"],
  ] as const;
  for (const [given, expected] of good) assertEquals(readPast("--since", given, now), expected, given);
  for (const given of ["", "h", "-1h", "yesterday", "2026-02-30", "999999d", "2026-01-31 12:00:00Z"]) {
    assertMatch(thrown(() => readPast("--since", given, now)), /^--since must be like 24h, 7d, 2026-01-31 or /, given);
  }
});

function thrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}
