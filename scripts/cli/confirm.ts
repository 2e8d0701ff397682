/** Asks before what cannot be undone. */

import { visible } from "./visible.ts";
import { CliError } from "./error.ts";

/**
 * Asks on standard error, so that standard output stays the result's, for a word to be typed as the question shows it.
 *
 * @throws {CliError} when another is typed, or when there is no terminal to ask on.
 */
export async function confirm(question: string, expected: string): Promise<void> {
  if (!Deno.stdin.isTerminal()) throw new CliError("nothing was done: there is no terminal to ask on; use --yes");
  await Deno.stderr.write(new TextEncoder().encode(`${visible(question)} `));
  const buffer = new Uint8Array(1024);
  const length = await Deno.stdin.read(buffer) ?? 0;
  const typed = new TextDecoder().decode(buffer.subarray(0, length)).replace(/\r?\n$/, "");
  if (typed !== visible(expected)) throw new CliError(`nothing was done: that is not ${expected}`);
}
