/** How a program fails: one sentence for its user. */

import { visible } from "./visible.ts";

/** An error whose message is all that the user needs to mend it. Without one it has been told already. */
export class CliError extends Error {
  override name = "CliError";
  /** What a program that it ends exits with. */
  readonly exitCode: number = 1;
}

export function printError(error: unknown): void {
  if (error instanceof CliError && error.message === "") return;
  const lines = error instanceof CliError ? [error.message] : textOf(error).split("\n");
  // deno-lint-ignore no-console -- this is the terminal's user's
  console.error(`error: ${lines.map(visible).join("\n")}`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
