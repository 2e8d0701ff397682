/** Parses times on the command line: a key's expiry, and the range of events. */

import { CliError } from "../../../cli/error.ts";

const MS = { d: 86_400_000, h: 3_600_000 } as const;
const DURATION = /^([1-9]\d{0,5})([dh])$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;

/**
 * The time in RFC 3339, in UTC. Accepts days or hours from now, a date (its start in UTC) or an RFC 3339 time.
 *
 * @throws {CliError} for other text, and for a time that is not in the future.
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
 * The same for the past: days or hours ago, a date (its start in UTC) or an RFC 3339 time, to the microsecond.
 *
 * @throws {CliError} for other text.
 */
export function readPast(option: string, text: string, now: Date): string {
  const moment = parse(text, now, -1);
  if (moment === undefined) {
    throw new CliError(`${option} must be like 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z, not "${text}"`);
  }
  const microseconds = /\.(\d{1,6})/.exec(text)?.[1];
  return microseconds === undefined ? moment.toISOString() : moment.toISOString().replace(/\.\d+/, `.${microseconds}`);
}

/** @param direction of a duration: 1 for the future, -1 for the past */
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

/** JavaScript reads 30 February as 2 March. */
function isDay(date: string): boolean {
  const day = new Date(date);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date);
}
