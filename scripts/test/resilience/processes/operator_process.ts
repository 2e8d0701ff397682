/** Runs `deno task admin` as a process, on a rig. */

import type { Rig } from "./rig.ts";

export interface AdminRun {
  pid: number;
  kill(): void;
  ended: Promise<{ code: number; stdout: string; stderr: string }>;
}

/** Starts a command with these variables and the addresses of the rig's projects. */
export function startAdmin(rig: Rig, words: string[], variables: Record<string, string>): AdminRun {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--cached-only",
      "--no-check",
      new URL("../../../admin/main.ts", import.meta.url).href,
      ...words,
    ],
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "",
      NO_COLOR: "1",
      HUB_URL: rig.hub.url,
      HUB_SECRET_KEY: rig.keys.governance_hub.secret_key,
      VAULT_URL: rig.vault.url,
      VAULT_SECRET_KEY: rig.keys.key_vault_executor.secret_key,
      ...variables,
    },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  return {
    pid: process.pid,
    kill() {
      try {
        process.kill("SIGKILL");
      } catch {
        // The process has ended.
      }
    },
    ended: process.output().then(({ code, stdout, stderr }) => ({
      code,
      stdout: new TextDecoder().decode(stdout),
      stderr: new TextDecoder().decode(stderr),
    })),
  };
}
