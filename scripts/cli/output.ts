// deno-lint-ignore-file no-console -- a program for a terminal
/** Prints JSON for programs, and tables and sentences for people. Escapes characters that hide or move the cursor. */

import { visible, visibleJson } from "./visible.ts";

/** Prints the value as JSON, or the lines. Commands write nothing else to standard output. */
export function print(json: boolean, value: unknown, lines: string | string[]): void {
  console.log(json ? visibleJson(value, 2) : visibleLines(lines));
}

/** Prints text that is not the command's result. With JSON, it goes to standard error. */
export function note(json: boolean, lines: string | string[]): void {
  if (json) console.error(visibleLines(lines));
  else console.log(visibleLines(lines));
}

/** Escapes line breaks inside a line, so that values from a database cannot forge a line. */
function visibleLines(lines: string | string[]): string {
  return [lines].flat().map(visible).join("\n");
}

/** How many characters one write has at least. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Prints each value as a line of JSON, as it arrives. Ends without an error when the reader closes the pipe. */
export async function writeLines(values: AsyncIterable<unknown>): Promise<void> {
  const writer = Deno.stdout.writable.getWriter();
  const encoder = new TextEncoder();
  let chunk = "";
  try {
    for await (const value of values) {
      chunk += visibleJson(value) + "\n";
      if (chunk.length < CHUNK_CHARACTERS) continue;
      await writer.write(encoder.encode(chunk));
      chunk = "";
    }
    await writer.write(encoder.encode(chunk));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** A table with columns as wide as their cells, or `ifEmpty` when there are no rows. */
export function table(headings: string[], rows: string[][], ifEmpty: string): string[] {
  if (rows.length === 0) return [ifEmpty];
  const lines = [headings, ...rows.map((row) => row.map(visible))];
  const widths = headings.map((_, column) => lines.reduce((most, line) => Math.max(most, width(line[column])), 0));
  return lines.map((line) =>
    line.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  ").trimEnd()
  );
}

/** The time in UTC, to the minute. Returns other text unchanged. */
export function time(text: string | null): string {
  if (text === null) return "–";
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : `${moment.toISOString().slice(0, 16).replace("T", " ")}Z`;
}

/** The time in UTC, to the millisecond. Returns other text unchanged. */
export function exactTime(text: string): string {
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : moment.toISOString().replace("T", " ");
}

/** `1 server`, `2 servers`. */
export function count(amount: number, thing: string): string {
  return `${amount.toLocaleString("en")} ${thing}${amount === 1 ? "" : "s"}`;
}

function width(text: string | undefined): number {
  return [...text ?? ""].length;
}
