/** A stack for a while: new, in a temporary folder, on free ports. */

import { removeDataFolder } from "./postgres/system_user.ts";
import { freePort } from "./ready.ts";
import type { StackOptions } from "./stack.ts";

/** The users that PostgreSQL and servers run as may enter it. */
export async function makeStackFolder(): Promise<string> {
  const folder = await Deno.makeTempDir();
  await Deno.chmod(folder, 0o711);
  return folder;
}

export async function removeStackFolder(folder: string): Promise<void> {
  await removeDataFolder(`${folder}/postgres/cluster`);
  await Deno.remove(folder, { recursive: true });
}

/** Options for such a stack: with an Executor, and without messages. */
export function throwAwayOptions(engine: StackOptions["engine"], dataDir: string) {
  return {
    engine,
    dataDir,
    hubPort: freePort(),
    vaultPort: freePort(),
    executor: { port: freePort(), sandbox: true },
    fresh: true,
    environment: {},
    logPath: `${dataDir}/requests.log`,
    onProgress: () => {},
  } satisfies StackOptions;
}
