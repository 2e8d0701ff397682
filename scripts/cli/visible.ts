/** What comes from a database or a server, made fit for a terminal: nothing in it moves the cursor, hides or reorders. */

/** Controls, format characters (bidi controls, zero-width ones and the like), line and paragraph separators. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same without the line breaks that indent JSON. Inside its strings JSON.stringify has escaped all of U+0000–001F. */
const HIDDEN_IN_JSON = /[\u{7f}-\u{9f}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The text as one line, each such character as `\u{202e}`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The value as JSON that parses to it, each such character as `\u202e`. */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(HIDDEN_IN_JSON, escapeUnits);
}

/** JSON escapes UTF-16 code units, of which a character beyond U+FFFF has two. */
function escapeUnits(character: string): string {
  return character.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}
