// deno-lint-ignore-file no-console -- a program for a terminal
/** What a command prints: JSON for programs, tables and sentences for people. */

/** Prints the value as JSON, or the text. Nothing else is ever written to standard output. */
export function print(json: boolean, value: unknown, text: string): void {
  console.log(json ? JSON.stringify(value, null, 2) : text);
}

/** Prints what is not the command's result: beside JSON it goes to standard error. */
export function note(json: boolean, text: string): void {
  if (json) console.error(text);
  else console.log(text);
}

/** Prints a text that ends its last line itself. */
export function write(text: string): void {
  console.log(text.replace(/\n$/, ""));
}

/** Characters that are written at once. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Prints each value as a line of JSON, as it comes. Ends quietly when whoever reads has ended. */
export async function writeLines(values: AsyncIterable<unknown>): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  const encoder = new TextEncoder();
  let chunk = "";
  try {
    for await (const value of values) {
      chunk += JSON.stringify(value) + "\n";
      if (chunk.length < CHUNK_CHARACTERS) continue;
      await writer.write(encoder.encode(chunk));
      chunk = "";
    }
    await writer.write(encoder.encode(chunk));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Rows under headings, in columns as wide as they need; the sentence when there is none. */
export function table(headings: string[], rows: string[][], none: string): string {
  if (rows.length === 0) return none;
  const lines = [headings, ...rows];
  const widths = headings.map((_, column) => lines.reduce((most, line) => Math.max(most, width(line[column])), 0));
  return lines.map((line) =>
    line.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  ").trimEnd()
  ).join("\n");
}

/** To the minute, in UTC. */
export function time(text: string | null): string {
  return text === null ? "–" : `${new Date(text).toISOString().slice(0, 16).replace("T", " ")}Z`;
}

/** `1 server`, `2 servers`. */
export function count(amount: number, thing: string): string {
  return `${amount.toLocaleString("en")} ${thing}${amount === 1 ? "" : "s"}`;
}

function width(text: string | undefined): number {
  return [...text ?? ""].length;
}
