/**
 * Runs programs from npm with Deno: those here want a newer Node than many machines have. `programs.lock` holds the versions
 * and the integrity of all that they load, so that a run next year is the same. To add a program or another version:
 *
 *     deno cache --no-config --lock=scripts/test/gateway/programs.lock npm:…@… scripts/test/gateway/sdk_v1.ts
 */

import { fileURLToPath } from "node:url";

export type PinnedPackage = `npm:${string}@${string}`;

const LOCK = fileURLToPath(new URL("programs.lock", import.meta.url));

/** In milliseconds, the download included. */
const LIMIT_MS = 240_000;

export interface ProgramOutput {
  code: number;
  stdout: string;
  /** Both streams. */
  text: string;
}

/** What a program prints, whatever its exit code. It knows nothing of this repository's configuration. */
export async function runPackage(program: PinnedPackage | URL, args: string[], cwd: string): Promise<ProgramOutput> {
  const name = typeof program === "string" ? program : program.href;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", "--no-config", `--lock=${LOCK}`, "--frozen", name, ...args],
    cwd,
    env: { NO_COLOR: "1", HOME: cwd, DENO_DIR: await denoFolder() },
    signal: AbortSignal.timeout(LIMIT_MS),
  });
  const { code, stdout, stderr } = await command.output();
  const [printed = "", told = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, stdout: printed, text: printed + told };
}

/** Shared with other runs, though the program has its own home. */
async function denoFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
