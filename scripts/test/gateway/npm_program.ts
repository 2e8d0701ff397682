/** Runs programs from npm with Deno: those here want a newer Node than many machines have. */

/** With its version: a run next year is the same. */
export type PinnedPackage = `npm:${string}@${string}`;

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
    args: ["run", "-A", "--quiet", "--no-check", "--no-config", "--no-lock", name, ...args],
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
