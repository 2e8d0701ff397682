/** Moments of the command line: when a key expires, and from when and until when events are wanted. */

import { CliError } from "../../cli/error.ts";

const MS = { d: 86_400_000, h: 3_600_000 } as const;
const DURATION = /^([1-9]\d{0,5})([dh])$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The moment in RFC 3339, in UTC: so many days or hours from now, the beginning of a day in UTC, or a moment as it is.
 *
 * @throws {CliError} for anything else, and for a moment that is not to come.
 */
export function readExpiry(text: string, now: Date): string {
  const moment = parse(text, now, 1);
  if (moment === undefined) {
    throw new CliError(`--expires must be like 90d, 12h, 2027-01-01 or 2027-01-01T12:00:00Z, not "${text}"`);
  }
  if (moment <= now) throw new CliError(`--expires ${text} is in the past`);
  return moment.toISOString();
}

/**
 * The same of the past: so many days or hours ago, the beginning of a day in UTC, or a moment, to the microsecond.
 *
 * @throws {CliError} for anything else.
 */
export function readPast(option: string, text: string, now: Date): string {
  const moment = parse(text, now, -1);
  if (moment === undefined) {
    throw new CliError(`${option} must be like 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z, not "${text}"`);
  }
  const microseconds = /\.(\d{1,6})/.exec(text)?.[1];
  return microseconds === undefined ? moment.toISOString() : moment.toISOString().replace(/\.\d+/, `.${microseconds}`);
}

/** @param direction of a duration: 1 from now on, -1 back */
function parse(text: string, now: Date, direction: 1 | -1): Date | undefined {
  const moment = parseAnyYear(text, now, direction);
  if (moment === undefined || Number.isNaN(moment.getTime())) return undefined;
  const year = moment.getUTCFullYear();
  return year >= 1 && year <= 9999 ? moment : undefined;
}

function parseAnyYear(text: string, now: Date, direction: 1 | -1): Date | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  if (amount !== undefined && (unit === "d" || unit === "h")) {
    return new Date(now.getTime() + direction * Number(amount) * MS[unit]);
  }
  const date = DATE.test(text) ? text : TIME.exec(text)?.[1];
  return date !== undefined && isDay(date) ? new Date(text.toUpperCase()) : undefined;
}

/** JavaScript takes the 30th of February for the 2nd of March. */
function isDay(date: string): boolean {
  const day = new Date(date);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}
