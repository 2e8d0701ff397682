/** Runs end-to-end tests on a throw-away stack. */

import { printError } from "../cli/error.ts";
import { type Stack, startStack } from "../stack/stack.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../stack/throw_away.ts";
import { type Count, denoTest, type TestOptions } from "./test_process.ts";

export const VAULT_TESTS = ["key-vault-executor/tests"];

/** A vault without the hub's secret key asks the hub's `authorize` with the publishable key. */
export const WITHOUT_HUB_KEY = { REPO_B_SERVICE_KEY: "" };

/** Every kind of caller at every endpoint, keys that are limited to services, and Executors with a decision. */
export const CALLER_TESTS = ["matrix", "services", "use"].map((name) => `key-vault-executor/tests/${name}_test.ts`);

export const END_TO_END = ["governance-hub/tests", ...VAULT_TESTS];

export type Engine = "pglite" | "postgres";

interface EndToEndOptions extends TestOptions {
  engine: Engine;
  /** Variables of the projects that override the stack's own. */
  environment?: Record<string, string>;
  paths?: string[];
  /** True: the functions call the data API and not the database. */
  dataApi?: boolean;
}

/** A stack that does not start counts as one failure. */
export async function endToEnd(title: string, options: EndToEndOptions): Promise<Count> {
  const { engine, environment = {}, paths = END_TO_END, dataApi = false, ...testOptions } = options;
  const dataDir = await makeStackFolder();
  let stack: Stack | undefined;
  try {
    stack = await startStack({ ...throwAwayOptions(engine, dataDir), dataApi, environment });
    return await denoTest(`end to end, ${title}`, paths, { ...testOptions, environment: { STACK_FILE: stack.path } });
  } catch (error) {
    printError(error);
    return { passed: 0, failed: 1 };
  } finally {
    await stack?.stop();
    await removeStackFolder(dataDir);
  }
}
