/** The frame of a program that measures: its command line, its end by a signal, and what it must release. */

import { type Command, CommanderError } from "commander";
import { StackError, tell } from "../../stack/child.ts";

/** Returns the exit code. */
type Work = (resources: AsyncDisposableStack) => Promise<number>;

/** Parses the command line, then works. What was started is released, even after a signal. */
export async function runProgram(program: Command, work: Work): Promise<never> {
  const resources = new AsyncDisposableStack();
  const asked = new Promise<number>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve(130));
  });
  const code = await Promise.race([asked, attempt(program, work, resources)]);
  await resources.disposeAsync().catch(() => {});
  Deno.exit(code);
}

async function attempt(program: Command, work: Work, resources: AsyncDisposableStack): Promise<number> {
  try {
    program.exitOverride().configureOutput({ outputError: () => {} }).parse(Deno.args, { from: "user" });
    return await work(resources);
  } catch (error) {
    if (error instanceof CommanderError) return refuse(program, error);
    // After a signal, work fails because its resources are gone.
    if (!resources.disposed) tell(error);
    return 1;
  }
}

function refuse(program: Command, { message, exitCode }: CommanderError): number {
  if (exitCode !== 0) tell(new StackError(`${message.replace(/^error: /, "")} (see ${program.name()} --help)`));
  return exitCode;
}
