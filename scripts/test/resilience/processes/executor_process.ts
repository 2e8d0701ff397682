/** Executors as the test's own processes, with the vault of a rig and the fixture of misbehaving tools. */

import { freePort } from "../../../stack/ready.ts";
import type { Rig } from "./rig.ts";
import { eventually, type RunningProcess, runScript } from "./running.ts";

const MAIN = new URL("../../../../key-vault-executor/executor/main.ts", import.meta.url);
const FIXTURE = new URL("../../../../key-vault-executor/executor/testing/fixtures/misbehave.mjs", import.meta.url);

export interface ExecutorProcess {
  url: string;
  process: RunningProcess;
  /** The lines of its log so far. */
  log(): Record<string, unknown>[];
}

/** Starts an Executor, on the port if one is given, and waits until it answers. `key` is a kernel's, with `credentials:use`. */
export async function startExecutorProcess(
  rig: Rig,
  folder: string,
  key: string,
  port = freePort(),
): Promise<ExecutorProcess> {
  const servers = `${folder}/servers`;
  await Deno.mkdir(servers, { recursive: true });
  await Deno.copyFile(FIXTURE, `${servers}/misbehave.mjs`);
  const process = await runScript("executor", MAIN, {}, {
    DECISION_VERIFY_KEYS: rig.keys.decision_verify_keys,
    VAULT_URL: rig.vault.url,
    EXECUTOR_KEY: key,
    EXECUTOR_PORT: String(port),
    EXECUTOR_SERVERS: servers,
    EXECUTOR_PACKAGES: `${folder}/packages`,
  });
  const url = `http://127.0.0.1:${port}`;
  await eventually(20_000, async () => {
    const response = await fetch(`${url}/health`).catch(() => {
      throw new Error(process.output());
    });
    await response.body?.cancel();
  });
  return {
    url,
    process,
    log: () =>
      process.output().split("\n").flatMap((line) =>
        line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line)] : []
      ),
  };
}
