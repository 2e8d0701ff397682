/** Ctrl-C while a command works: the first ends it after the step in flight, the second at once. */

import { CliError } from "./error.ts";

/** What a shell expects of a program that Ctrl-C has ended. */
export class Stopped extends CliError {
  override readonly exitCode = 130;
}

/** @throws {Stopped} when the work fails after Ctrl-C, with its own message. */
export async function stoppable<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onSignal = () => {
    Deno.removeSignalListener("SIGINT", onSignal);
    controller.abort();
  };
  Deno.addSignalListener("SIGINT", onSignal);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw controller.signal.aborted && error instanceof CliError ? new Stopped(error.message) : error;
  } finally {
    if (!controller.signal.aborted) Deno.removeSignalListener("SIGINT", onSignal);
  }
}
