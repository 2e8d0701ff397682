/** Finds a member's own text in a JSON text: what is parsed and written again may differ from what was sent. */

const TOKEN = /[{}[\],:]|[^\s{}[\],:"]+|"[^"\\]*(?:\\.[^"\\]*)*"/g;

/**
 * The text of the member at this path of a JSON object, or undefined if there is none. Of several members with one name
 * it is the last, as for `JSON.parse`. The text must be known to be JSON.
 */
export function memberText(text: string, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  if (name === undefined) return text;
  const member = ownMember(text, name);
  return member === undefined ? undefined : memberText(member, rest);
}

function ownMember(text: string, name: string): string | undefined {
  let depth = 0;
  let begin: number | undefined;
  let found: string | undefined;
  let last = "";
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && begin !== undefined && (token === "," || token === "}")) {
      found = text.slice(begin, index).trim();
      begin = undefined;
    }
    if (token === "{" || token === "[") {
      depth++;
      if (depth === 1 && token === "[") return undefined;
    } else if (token === "}" || token === "]") depth--;
    else if (depth === 1 && token === ":" && JSON.parse(last) === name) begin = index + 1;
    last = token;
  }
  return found;
}
