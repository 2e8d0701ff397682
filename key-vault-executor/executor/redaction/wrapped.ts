/** Finds text that was cut into lines, in linear time. */

/** The end of a line, with empty lines and the indentation of the next one. Nothing of it can match in two ways. */
const LINE_BREAK = /[\r\n][\r\n\t ]*/g;

/** The text in one line. */
export function unwrap(text: string): string {
  return text.replace(LINE_BREAK, "");
}

/** Replaces a needle, with the line breaks inside. `unwrapped` is the text in one line. */
export function replaceWrapped(text: string, unwrapped: string, needle: string, replacement: string): string {
  const positionOf = positionsIn(text);
  let result = "";
  let end = 0;
  for (let hit = unwrapped.indexOf(needle); hit !== -1; hit = unwrapped.indexOf(needle, hit + needle.length)) {
    result += text.slice(end, positionOf(hit)) + replacement;
    end = positionOf(hit + needle.length - 1) + 1;
  }
  return result + text.slice(end);
}

/** From a position in the unwrapped text to the one in the text. Positions must be asked for in ascending order. */
function positionsIn(text: string): (position: number) => number {
  const breaks = text.matchAll(LINE_BREAK);
  let next = breaks.next().value;
  let removed = 0;
  return (position) => {
    while (next !== undefined && next.index <= position + removed) {
      removed += next[0].length;
      next = breaks.next().value;
    }
    return position + removed;
  };
}
