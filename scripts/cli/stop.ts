/** Ctrl-C in a long command: the first one stops it after the current step, the second one at once. */

import { CliError } from "./error.ts";

/** Exits with 130, which shells expect after Ctrl-C. */
export class Stopped extends CliError {
  override readonly exitCode = 130;
}

/** @throws {Stopped} with the error's message, when the work fails after Ctrl-C. */
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
