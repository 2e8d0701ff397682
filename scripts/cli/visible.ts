/** Escapes characters from databases and servers that would hide or reorder text or move the terminal's cursor. */

/** Controls, format characters (bidi controls, zero-width ones and the like), line and paragraph separators. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same without U+0000–001F: JSON.stringify escapes these in strings, and indents with line breaks. */
const HIDDEN_IN_JSON = /[\u{7f}-\u{9f}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text as one line, with each such character escaped like `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** JSON that parses to the value, with each such character escaped like `\u202e`. */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(HIDDEN_IN_JSON, escapeUnits);
}

/** JSON escapes UTF-16 code units. A character beyond U+FFFF has two. */
function escapeUnits(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
