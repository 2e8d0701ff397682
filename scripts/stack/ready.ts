/** Waits for processes to be ready, and finds free ports. */

import { CliError } from "../cli/error.ts";
import { type Child } from "./child.ts";

/** How long a process may take to answer. Making a PGlite database can take a minute on a busy machine. */
const START_MS = 300_000;

/** Retries until success. @throws {CliError} when the process ends (it has printed why) or takes too long. */
export async function untilReady(child: Child, attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + START_MS;
  let hasEnded = false;
  child.ended.then(() => hasEnded = true);
  while (true) {
    try {
      return void await attempt();
    } catch (error) {
      if (hasEnded) throw new CliError();
      if (Date.now() > deadline) throw new CliError(`${child.name} did not answer in ${START_MS / 1000} s: ${error}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Succeeds when the project with this token answers at the address and is ready. */
export async function answers(url: string, token: string): Promise<void> {
  const text = await (await fetch(`${url}/ready`)).text();
  if (text !== token) throw new Error("the project is still starting, or another server answers at its address");
}

/**
 * The range for free ports. It is below the ports that Linux (32768), macOS and Windows (49152) use for outgoing
 * connections, because such a connection could take a port before the server listens on it.
 */
const [FIRST_PORT, LAST_PORT] = [15_000, 32_767];
const given = new Set<number>();

/** A port that is free now and was not returned before. */
export function freePort(): number {
  while (true) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT + 1));
    if (given.has(port)) continue;
    given.add(port);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
