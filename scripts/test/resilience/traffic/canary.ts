/** Canaries: unique secrets, and a search for them in bytes, in every form in which software writes text. */

import { encodeBase64 } from "@std/encoding/base64";
import { encodeHex } from "@std/encoding/hex";

/** A place to search for canaries. */
export interface CanaryPlace {
  name: string;
  bytes: Uint8Array;
}

export interface Finding {
  place: string;
  canary: string;
  form: string;
}

/** One form of one canary. */
interface CanaryForm {
  canary: string;
  form: string;
  bytes: Uint8Array;
}

/** 24 characters. JSON, URLs and base64 encode some of them. */
export function newCanary(): string {
  const random = encodeHex(crypto.getRandomValues(new Uint8Array(9)));
  return `${random.slice(0, 9)}"/\\é?>${random.slice(9)}`;
}

/** The same with characters that every log and header accepts. */
export function newPlainCanary(): string {
  return `c${encodeHex(crypto.getRandomValues(new Uint8Array(12)))}`;
}

/** The forms of bytes as text that do not depend on the bytes around them. */
export function formsOf(bytes: Uint8Array): Map<string, string> {
  const hex = encodeHex(bytes);
  const text = new TextDecoder().decode(bytes);
  const units = [...text].flatMap((character) => character.split("")).map((unit) => unit.charCodeAt(0));
  const escaped = units.map((unit) => "\\u" + unit.toString(16).padStart(4, "0")).join("");
  const percent = hex.replace(/../g, "%$&");
  const forms = new Map([
    ["plain", text],
    ["JSON", JSON.stringify(text).slice(1, -1)],
    ["JSON within JSON", JSON.stringify(JSON.stringify(text)).slice(3, -3)],
    ["JSON, only ASCII", asciiJson(text)],
    ["JSON, every character escaped", escaped],
    ["JSON, every character escaped, upper case", escaped.replace(/[0-9a-f]{4}/g, (digits) => digits.toUpperCase())],
    ["URL", encodeURIComponent(text)],
    ["form", new URLSearchParams([["", text]]).toString().slice(1)],
    ["URL, every byte escaped", percent],
    ["URL, every byte escaped, upper case", percent.toUpperCase()],
    ["hex", hex],
    ["hex, upper case", hex.toUpperCase()],
  ]);
  for (const offset of [0, 1, 2]) {
    const base64 = alignedBase64(bytes, offset);
    forms.set(`base64 at ${offset}`, base64);
    forms.set(`base64url at ${offset}`, base64.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return forms;
}

/** The base64 characters that depend only on these bytes, with this many bytes before them. */
function alignedBase64(bytes: Uint8Array, offset: number): string {
  const padded = new Uint8Array(offset + bytes.length);
  padded.set(bytes, offset);
  const base64 = encodeBase64(padded).replace(/=+$/, "");
  const isWhole = padded.length % 3 === 0;
  return base64.slice(offset === 0 ? 0 : offset + 1, isWhole ? undefined : -1);
}

function asciiJson(text: string): string {
  return JSON.stringify(text).slice(1, -1).replace(
    /[\u0080-\uffff]/g,
    (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"),
  );
}

/** Finds every form of every canary. A canary is text, or the bytes of a key by its name. */
export function search(
  places: Iterable<CanaryPlace>,
  canaries: Iterable<string | [name: string, key: Uint8Array]>,
): Finding[] {
  const index = new Map<number, CanaryForm[]>();
  for (const canary of canaries) {
    const [name, key] = typeof canary === "string" ? [canary, new TextEncoder().encode(canary)] : canary;
    const forms = [...formsOf(key)].map(([form, text]) => [form, new TextEncoder().encode(text)] as const);
    for (const [form, bytes] of [["bytes", key] as const, ...forms]) {
      const start = startOf(bytes, 0);
      index.set(start, [...index.get(start) ?? [], { canary: name, form, bytes }]);
    }
  }
  const findings: Finding[] = [];
  for (const { name, bytes } of places) {
    for (const { canary, form } of findIn(bytes, index)) findings.push({ place: name, canary, form });
  }
  return findings;
}

/** Searches the bytes once for all needles, by the first four bytes of each. */
function findIn(bytes: Uint8Array, index: Map<number, CanaryForm[]>): Set<CanaryForm> {
  const found = new Set<CanaryForm>();
  const firstTwo = new Uint8Array(65536);
  for (const start of index.keys()) firstTwo[start & 0xffff] = 1;
  for (let at = 0; at + 4 <= bytes.length; at++) {
    if (firstTwo[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] !== 1) continue;
    for (const needle of index.get(startOf(bytes, at)) ?? []) {
      if (needle.bytes.every((byte, i) => bytes[at + i] === byte)) found.add(needle);
    }
  }
  return found;
}

function startOf(bytes: Uint8Array, at: number): number {
  const byte = (i: number) => bytes[at + i] ?? 0;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24);
}
