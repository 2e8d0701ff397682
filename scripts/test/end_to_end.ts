/** Runs end-to-end tests on a throw-away stack. */

import { printError } from "../cli/error.ts";
import { removeDataFolder } from "../stack/postgres/system_user.ts";
import { freePort } from "../stack/ready.ts";
import { type Stack, startStack } from "../stack/stack.ts";
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
  const dataDir = await Deno.makeTempDir();
  let stack: Stack | undefined;
  try {
    // The users that PostgreSQL and servers run as must be able to enter it.
    await Deno.chmod(dataDir, 0o711);
    stack = await startStack({
      engine,
      dataDir,
      hubPort: freePort(),
      vaultPort: freePort(),
      executor: { port: freePort(), sandbox: true },
      fresh: true,
      dataApi,
      environment,
      logPath: `${dataDir}/requests.log`,
      onProgress: () => {},
    });
    return await denoTest(`end to end, ${title}`, paths, { ...testOptions, environment: { STACK_FILE: stack.path } });
  } catch (error) {
    printError(error);
    return { passed: 0, failed: 1 };
  } finally {
    await stack?.stop();
    await removeDataFolder(`${dataDir}/postgres/cluster`);
    await Deno.remove(dataDir, { recursive: true });
  }
}
