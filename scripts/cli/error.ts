/** How a program fails: one sentence for its user. */

import { visible } from "./visible.ts";

/** An error that the user can fix with its message. An empty message means that the error was printed before. */
export class CliError extends Error {
  override name = "CliError";
  /** The exit code of the program. */
  readonly exitCode: number = 1;
}

export function printError(error: unknown): void {
  if (error instanceof CliError && error.message === "") return;
  const lines = error instanceof CliError ? [error.message] : textOf(error).split("\n");
  // deno-lint-ignore no-console -- a message for the terminal's user
  console.error(`error: ${lines.map(visible).join("\n")}`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
