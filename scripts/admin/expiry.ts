/** When a key expires, as `--expires` says it. */

import { StackError } from "../stack/child.ts";

const MS = { d: 86_400_000, h: 3_600_000 } as const;
const DURATION = /^([1-9]\d{0,5})([dh])$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The moment in RFC 3339, in UTC: so many days or hours from now, the beginning of a day in UTC, or a moment as it is.
 *
 * @throws {StackError} for anything else, and for a moment that is not to come.
 */
export function readExpiry(text: string, now: Date): string {
  const moment = parse(text, now);
  if (moment === undefined || Number.isNaN(moment.getTime()) || moment.getUTCFullYear() > 9999) {
    throw new StackError(`--expires must be like 90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z, not "${text}"`);
  }
  if (moment <= now) throw new StackError(`--expires ${text} is in the past`);
  return moment.toISOString();
}

function parse(text: string, now: Date): Date | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount !== undefined && (unit === "d" || unit === "h")) {
    return new Date(now.getTime() + Number(amount) * MS[unit]);
  }
  const date = DATE.test(text) ? text : TIME.exec(text)?.[1];
  return date !== undefined && isDay(date) ? new Date(text.toUpperCase()) : undefined;
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const day = new Date(date);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}
