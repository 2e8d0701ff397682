/** The ports of the stack, on loopback. A taken one gets a sentence. */

import { CliError } from "../cli/error.ts";

/** For the case that a port is taken after {@linkcode requireFreePort}. @throws {CliError} */
export function listenOn(
  port: number,
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer {
  return withSentence(port, () => Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler));
}

/** Finds a taken port before the stack deletes or makes anything. @throws {CliError} that names the port's option */
export function requireFreePort(port: number, option: string): void {
  withSentence(port, () => Deno.listen({ hostname: "127.0.0.1", port }).close(), `; choose another with ${option}`);
}

function withSentence<T>(port: number, listen: () => T, advice = ""): T {
  try {
    return listen();
  } catch (error) {
    throw error instanceof Deno.errors.AddrInUse ? new CliError(`port ${port} is in use${advice}`) : error;
  }
}
