/** Asks for confirmation before an action that cannot be undone. */

import { visible } from "./visible.ts";
import { CliError } from "./error.ts";

/**
 * Asks the user to type the expected word. The question goes to standard error: standard output is for the result.
 *
 * @throws {CliError} when the user types another word, or when there is no terminal.
 */
export async function confirm(question: string, expected: string): Promise<void> {
  if (!Deno.stdin.isTerminal()) throw new CliError("nothing was changed: there is no terminal to ask on; use --yes");
  await Deno.stderr.write(new TextEncoder().encode(`${visible(question)} `));
  const buffer = new Uint8Array(1024);
  const length = await Deno.stdin.read(buffer) ?? 0;
  const typed = new TextDecoder().decode(buffer.subarray(0, length)).replace(/\r?\n$/, "");
  if (typed !== visible(expected)) throw new CliError(`nothing was changed: you did not type ${expected}`);
}
