/** Normalizes RFC 3339 times for SQL: in UTC, with microseconds, such as `2026-02-23T12:00:00.123457Z`. */

const FORM = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

const MICROSECONDS = 1_000_000;
const DAY_SECONDS = 86_400;

/**
 * Rounds up to the microsecond. PostgreSQL stores microseconds, so `>=` and `<` give exact results.
 *
 * @returns undefined unless the text is an RFC 3339 time whose UTC year is 0001 to 9999.
 */
export function normalizeTime(text: string): string | undefined {
  const [, date = "", minute = "", second = "", fraction = "", sign, hours = "0", minutes = "0"] = FORM.exec(text) ??
    [];
  const isLeapSecond = second === "60";
  const local = Date.parse(`${date}T${minute}:${isLeapSecond ? "59" : second}Z`);
  // Date.parse() reads 24:00 and February 30th as the next day.
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== date) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * 60;
  const seconds = local / 1000 - (sign === "-" ? -offset : offset);
  if (isLeapSecond && (seconds + 1) % DAY_SECONDS !== 0) return undefined;
  const microseconds = Number(fraction.slice(0, 6).padEnd(6, "0")) + (/[1-9]/.test(fraction.slice(6)) ? 1 : 0);
  const carry = (isLeapSecond ? 1 : 0) + Math.floor(microseconds / MICROSECONDS);
  const whole = new Date((seconds + carry) * 1000).toISOString().replace(/\.000Z$/, "");
  if (!/^(?!0000)\d{4}-/.test(whole)) return undefined;
  return `${whole}.${String(microseconds % MICROSECONDS).padStart(6, "0")}Z`;
}
