/** Who calls, as a key of maps. */

import { digestCaller } from "shared/auth/presented_key.ts";
import type { McpCall } from "./methods.ts";

/** The same text for all requests with one key, for one tenant. It does not hold the key. */
export async function callerOf({ presented, environment }: McpCall): Promise<string> {
  return JSON.stringify(await digestCaller({ ...presented, requestId: "" }, environment.kernelSecret));
}
