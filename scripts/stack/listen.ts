/** How the stack's processes listen: on loopback, and with a sentence when the port is taken. */

import { CliError } from "../cli/error.ts";

/** @throws {CliError} */
export function listenOn(
  port: number,
  portOption: string,
  handler: (request: Request) => Response | Promise<Response>,
): Deno.HttpServer {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, handler);
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new CliError(`port ${port} is in use; choose another with ${portOption}`);
  }
}
