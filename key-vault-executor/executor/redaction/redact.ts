/**
 * Takes a server's credentials out of what it says. This guards against accidents: an error message that quotes a key, a
 * debug tool that prints the environment. A server that means to tell a secret can always write it in another way.
 */

import { needlesOf, wrappedNeedlesOf } from "./needles.ts";
import { replaceWrapped, unwrap } from "./wrapped.ts";

/** A secret, by the variable that holds it. */
export interface Secret {
  name: string;
  value: string;
}

/** In characters. Shorter values occur in ordinary text. */
export const MIN_SECRET_LENGTH = 8;

/** In characters. Words that are longer together may be a passphrase. */
const MAX_WORDS_LENGTH = 20;

/** Words and short numbers with marks between them: `production`, `us-east-1`, `Acme_Shop`. */
const WORDS = /^(?:[a-z]+\d{0,2}|[A-Z]+\d{0,2}|[A-Z][a-z]+\d{0,2}|\d{1,2})(?:[-_. ](?:[A-Za-z]+\d{0,2}|\d{1,2}))*$/;

/** A host's address without a path: `https://api.example.com`. */
const ORIGIN = /^https?:\/\/[A-Za-z0-9.-]+(?::\d+)?\/?$/;

const MIN_DISTINCT_CHARACTERS = 4;

interface Needle {
  text: string;
  replacement: string;
}

/** A string with every secret in it replaced by `[redacted NAME]`. */
export type Redact = (text: string) => string;

/** How to redact these secrets. Values that are short or words are left in: see {@linkcode isTelling}. */
export function makeRedact(secrets: readonly Secret[]): Redact {
  const telling = secrets.filter(({ value }) => isTelling(value));
  const needles = findNeedles(telling, needlesOf);
  const wrapped = findNeedles(telling, wrappedNeedlesOf);
  // First what may go over several lines: one line of it may be a secret, too.
  return (text) => redactPlain(redactWrapped(text, wrapped), needles);
}

function redactPlain(text: string, needles: readonly Needle[]): string {
  let result = text;
  for (const { text: needle, replacement } of needles) {
    if (result.includes(needle)) result = result.replaceAll(needle, replacement);
  }
  return result;
}

/** Of forms that are written in lines. */
function redactWrapped(text: string, needles: readonly Needle[]): string {
  if (!/[\r\n]/.test(text)) return text;
  let result = text;
  let unwrapped = unwrap(text);
  for (const { text: needle, replacement } of needles) {
    if (!unwrapped.includes(needle)) continue;
    result = replaceWrapped(result, unwrapped, needle, replacement);
    unwrapped = unwrap(result);
  }
  return result;
}

/** A JSON value with every string of it redacted, names of members too, and each number that is a secret. */
export function redactValue(value: unknown, redact: Redact): unknown {
  if (typeof value === "string") return redact(value);
  if (typeof value === "number") {
    const text = redact(`${value}`);
    return text === `${value}` ? value : text;
  }
  if (Array.isArray(value)) return value.map((item) => redactValue(item, redact));
  if (typeof value !== "object" || value === null) return value;
  const isBase64 = (name: string) => name === "blob" || name === "data" && "mimeType" in value;
  // Object.fromEntries defines members, so `__proto__` is one like any other.
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      redact(name),
      typeof item === "string" && isBase64(name) ? redactBase64(item, redact) : redactValue(item, redact),
    ]),
  );
}

/** Base64 that stays base64: a client refuses a whole answer for bytes that it cannot decode. */
function redactBase64(text: string, redact: Redact): string {
  if (redact(text) === text) return text;
  try {
    const again = btoa(redact(atob(text)));
    return redact(again) === again ? again : btoa("[redacted]");
  } catch {
    // It was none.
    return redact(text);
  }
}

/**
 * Whether a value is looked for. Left out are values under 8 characters, words of up to 20 characters together, addresses
 * of hosts, and values of fewer than 4 different characters: replacing `us-east-1` everywhere would garble results.
 */
export function isTelling(value: string): boolean {
  if (value.length < MIN_SECRET_LENGTH || new Set(value).size < MIN_DISTINCT_CHARACTERS) return false;
  if (ORIGIN.test(value)) return false;
  return value.length > MAX_WORDS_LENGTH || !WORDS.test(value);
}

/** Longest first: a secret that is a part of another must not leave the rest of that one behind. */
function findNeedles(secrets: readonly Secret[], formsOf: (value: string) => string[]): Needle[] {
  return secrets
    .flatMap(({ name, value }) => formsOf(value).map((text) => ({ text, replacement: `[redacted ${name}]` })))
    .sort((a, b) => b.text.length - a.text.length);
}
