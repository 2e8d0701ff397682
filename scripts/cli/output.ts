// deno-lint-ignore-file no-console -- a program for a terminal
/** What a command prints: JSON for programs, tables and sentences for people. Nothing in it is hidden or moves the cursor. */

import { visible, visibleJson } from "./visible.ts";

/** Prints the value as JSON, or the line or lines. Nothing else is ever written to standard output. */
export function print(json: boolean, value: unknown, lines: string | string[]): void {
  console.log(json ? visibleJson(value, 2) : visibleLines(lines));
}

/** Prints what is not the command's result: with JSON it goes to standard error. */
export function note(json: boolean, lines: string | string[]): void {
  if (json) console.error(visibleLines(lines));
  else console.log(visibleLines(lines));
}

/** A line break inside a line is not one: what a database holds forges no line. */
function visibleLines(lines: string | string[]): string {
  return [lines].flat().map(visible).join("\n");
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

/** The lines of rows under headings, in columns as wide as they need; the sentence when there are no rows. */
export function table(headings: string[], rows: string[][], ifEmpty: string): string[] {
  if (rows.length === 0) return [ifEmpty];
  const lines = [headings, ...rows.map((row) => row.map(visible))];
  const widths = headings.map((_, column) => lines.reduce((most, line) => Math.max(most, width(line[column])), 0));
  return lines.map((line) =>
    line.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  ").trimEnd()
  );
}

/** To the minute, in UTC. What is not a time stays as it is. */
export function time(text: string | null): string {
  if (text === null) return "–";
  const moment = new Date(text);
  return Number.isNaN(moment.getTime()) ? text : `${moment.toISOString().slice(0, 16).replace("T", " ")}Z`;
}

/** To the millisecond, in UTC. What is not a time stays as it is. */
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
