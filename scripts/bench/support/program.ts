/** Runs a program that measures, and releases what it started at the end, even after a signal. */

import { printError } from "../../cli/error.ts";

/** Ends the process with the exit code of the work. */
export async function runWithResources(work: (resources: AsyncDisposableStack) => Promise<number>): Promise<never> {
  const resources = new AsyncDisposableStack();
  const asked = new Promise<number>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve(130));
  });
  const worked = work(resources).catch((error) => {
    // After a signal, work fails because its resources are gone.
    if (!resources.disposed) printError(error);
    return 1;
  });
  const code = await Promise.race([asked, worked]);
  await resources.disposeAsync().catch(() => {});
  Deno.exit(code);
}
