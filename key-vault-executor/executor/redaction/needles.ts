/** The forms in which a secret may come out of a server: plain, and as programs commonly encode it. */

const encoder = new TextEncoder();

/** In characters: shorter parts of an encoding could be anything. */
const MIN_LENGTH = 8;
const MIN_PEM_LINE = 16;

/** Every form of a value, the longest first, because a short one may be part of a longer one. */
export function needlesOf(value: string): string[] {
  return longestFirst(partsOf(value).flatMap(formsOf));
}

/** The forms of a value that programs write in lines: `base64`, MIME and PEM after 76 or 64 characters, `xxd` after 60. */
export function wrappedNeedlesOf(value: string): string[] {
  return longestFirst(partsOf(value).flatMap((part) => binaryFormsOf(encoder.encode(part))));
}

/** The value, and each of its lines. */
function partsOf(value: string): string[] {
  return value.includes("\n") ? [value, ...value.split(/\r?\n/).filter(isTellingLine)] : [value];
}

function longestFirst(forms: string[]): string[] {
  return [...new Set(forms)].filter((form) => form.length >= MIN_LENGTH).sort((a, b) => b.length - a.length);
}

/** PEM's first and last lines are the same in every key. */
function isTellingLine(line: string): boolean {
  return line.length >= MIN_PEM_LINE && !line.startsWith("-----");
}

function formsOf(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [
    value,
    json,
    json.replaceAll("/", "\\/"),
    // Go's encoder escapes what HTML would read.
    json.replaceAll("&", "\\u0026").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e"),
    ...urlForms(value),
    ...htmlForms(value),
    ...binaryFormsOf(encoder.encode(value)),
  ];
}

function binaryFormsOf(bytes: Uint8Array): string[] {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex, hex.toUpperCase(), ...[0, 1, 2].flatMap((offset) => base64Forms(bytes, offset))];
}

function urlForms(value: string): string[] {
  // A lone surrogate has no form in a URL.
  const text = value.toWellFormed();
  const form = new URLSearchParams([["", text]]).toString().slice(1);
  return [encodeURIComponent(text), encodeURI(text), form].flatMap((url) => [
    url,
    url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
  ]);
}

function htmlForms(value: string): string[] {
  const plain = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const quoted = plain.replaceAll('"', "&quot;");
  return [plain, quoted, quoted.replaceAll("'", "&#39;"), quoted.replaceAll("'", "&#x27;")];
}

/**
 * The characters of base64 that the value decides when it begins `offset` bytes after a multiple of three: those that
 * share bits with what is before or behind it are left out.
 */
function base64Forms(bytes: Uint8Array, offset: number): string[] {
  const shifted = new Uint8Array(offset + bytes.length);
  shifted.set(bytes, offset);
  const encoded = btoa(Array.from(shifted, (byte) => String.fromCharCode(byte)).join("")).replace(/=+$/, "");
  const start = [0, 2, 3][offset] ?? 0;
  const end = Math.floor(shifted.length * 8 / 6);
  const base64 = encoded.slice(start, end);
  return [base64, base64.replaceAll("+", "-").replaceAll("/", "_")];
}
