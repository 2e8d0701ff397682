/** Parses JSON without loss: refuses values that JavaScript cannot hold exactly. */

import { type FieldError, invalidJson, invalidRequest } from "../api_error.ts";

/** Levels of arrays and objects in a request body: the body itself, and 32 levels in a member. */
const MAX_DEPTH = 33;

/**
 * Parses a JSON text.
 *
 * @throws {ApiError} `invalid_json` if it is not JSON; `invalid_request`, with the member's name, for a value that would
 * not be returned as it was sent: a number beyond a double's precision or range, a name that occurs twice in one object,
 * or more than 32 levels.
 */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalidJson();
  }
  const fault = findLoss(text);
  if (fault !== undefined) throw invalidRequest([fault]);
  return value;
}

/** Scans the tokens of a text that is known to be JSON. */
function findLoss(text: string): FieldError | undefined {
  const open: (Set<string> | null)[] = [];
  let member = "";
  for (const [token] of text.matchAll(/[{}[\],]|-?\d[\d.eE+-]*|"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?/g)) {
    const names = open.at(-1);
    if (token === "{" || token === "[") {
      if (open.push(token === "{" ? new Set() : null) > MAX_DEPTH) {
        return { path: member, message: "is nested too deeply" };
      }
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token.endsWith(":") && names) {
      const name: string = JSON.parse(token.slice(0, -1));
      if (open.length === 1) member = nameable(name);
      if (names.has(name)) return { path: member, message: "has the same name twice" };
      names.add(name);
    } else if (/^[-\d]/.test(token) && !isExact(token)) {
      return { path: member, message: "has a number that JSON parsers round; send it as a string" };
    }
  }
  return undefined;
}

/** The member's name if an answer can include it without echoing the caller's input, else "". */
export function nameable(name: string): string {
  return /^[a-z_]{1,64}$/.test(name) ? name : "";
}

/** Whether JavaScript prints the number as the same decimal that it parsed. */
function isExact(token: string): boolean {
  const number = Number(token);
  return Number.isFinite(number) && !Object.is(number, -0) && decimal(token) === decimal(String(number));
}

/** In one pass. The pattern /0+$/ starts again at each zero of an inner run, which takes quadratic time. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  return digits.slice(0, end);
}

/** A decimal numeral as its digits without outer zeros, and the power of ten that follows them. */
function decimal(numeral: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
    .exec(numeral) ?? [];
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = withoutTrailingZeros(digits);
  if (significant === "") return "0";
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
