/** The stack on which the tests of `deno task admin` run: PostgreSQL, and a vault with a key of its own. */

import { startStack } from "../../../stack/stack.ts";
import type { StackFile } from "../../../stack/data/stack_file.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../../../stack/throw_away.ts";

/** The vault's key, and an old key that only opens. */
export const [NEW_KEY, OLD_KEY] = ["2b".repeat(32), "1a".repeat(32)] as const;

/** Names the stack.json of a stack that several test files share: starting one takes longer than some of them. */
const SHARED = "ADMIN_STACK";

export interface AdminStack {
  file: StackFile;
  /** The path of the file. */
  path: string;
  /** Variables by which {@linkcode openAdminStack} in another process finds it. */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

/** The shared stack, which stop() here does not stop, or a new one if there is none. */
export async function openAdminStack(): Promise<AdminStack> {
  const path = Deno.env.get(SHARED);
  if (path === undefined) return await startAdminStack();
  const file: StackFile = JSON.parse(await Deno.readTextFile(path));
  return { file, path, environment: { [SHARED]: path }, stop: () => Promise.resolve() };
}

export async function startAdminStack(): Promise<AdminStack> {
  const dataDir = await makeStackFolder();
  const { file, path, stop } = await startStack({
    ...throwAwayOptions("postgres", dataDir),
    executor: undefined,
    environment: { CREDENTIAL_ENCRYPTION_KEY: NEW_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: OLD_KEY },
  });
  return {
    file,
    path,
    environment: { [SHARED]: path },
    async stop() {
      await stop();
      await removeStackFolder(dataDir);
    },
  };
}
