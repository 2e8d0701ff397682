/** The servers that are measured. Both have the tool `echo`, with the same argument and the same answer. */

import { PackageStore, parsePackage } from "key-vault-executor/executor/launch/packages/packages.ts";
import { ToolCallError } from "key-vault-executor/executor/tool_call_error.ts";
import { type CallStack, SCRIPT } from "./call_stack.ts";

export interface MeasuredServer {
  name: string;
  /** As a tenant registers it, with the command `node`. */
  args: string[];
  /** The file to run without an Executor. */
  path: string;
}

/** Written with the SDK, as most servers are. */
const PACKAGE = "@modelcontextprotocol/server-everything@2026.8.31";

/** It answers at once: all that a call costs is the way to it. */
export function scriptOf({ dataDir }: CallStack): MeasuredServer {
  return { name: "script", args: [SCRIPT], path: `${dataDir}/servers/${SCRIPT}` };
}

/** Installs the package into the Executor's store. Returns a sentence where npm cannot. */
export async function installEverything({ dataDir }: CallStack): Promise<MeasuredServer | string> {
  const spec = parsePackage(PACKAGE);
  if (spec === undefined) throw new Error(`${PACKAGE} is no name of a package`);
  const store = new PackageStore(`${dataDir}/packages`);
  try {
    await store.add(spec);
    return { name: "server-everything", args: [PACKAGE], path: (await store.find(spec)).entry };
  } catch (error) {
    if (!(error instanceof ToolCallError)) throw error;
    return `${PACKAGE} was skipped: ${error.message}`;
  }
}
