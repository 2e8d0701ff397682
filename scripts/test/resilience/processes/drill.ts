/** Runs the commands of "Back up and restore" in `scripts/README.md` as an operator pastes them. */

import { assert, assertEquals } from "@std/assert";
import { installPostgresClient } from "./postgres_client.ts";

export interface Drill {
  /** Runs the README's block of commands that starts with these words. @throws if a command fails. */
  follow(command: Command, variables: DrillVariables): Promise<void>;
  /** Runs other commands with the same programs. */
  run(script: string, variables: DrillVariables): Promise<DrillOutcome>;
}

export type Command = "pg_dump" | "supabase db dump" | "psql" | "deno task admin";
export type DrillVariables = Record<string, string>;

export interface DrillOutcome {
  code: number;
  stdout: string;
  stderr: string;
}

const ROOT = new URL("../../../../", import.meta.url);

/**
 * Runs `supabase db dump` without Docker. With --dry-run, it prints the script that it otherwise runs in a container,
 * where a list of schemas is one word.
 */
const SUPABASE = (cli: string) =>
  `#!/usr/bin/env bash
set -euo pipefail
"${cli}" "$@" --dry-run 2>/dev/null | sed -E "s/ (--schema=[^ ]+)/ '\\1'/" | bash
`;

/** Installs the programs in the folder. */
export async function prepareDrill(folder: string): Promise<Drill> {
  const client = await installPostgresClient(folder);
  const cli = `${folder}/cli`;
  const install = ["install", "--silent", "--no-audit", "--no-fund", "--prefix", cli, "supabase@3.1.0"];
  const { code, stderr } = await new Deno.Command("npm", { args: install, stdin: "null" }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  await Deno.writeTextFile(`${bin}/supabase`, SUPABASE(`${cli}/node_modules/.bin/supabase`), { mode: 0o755 });
  await Deno.symlink(Deno.execPath(), `${bin}/deno`);
  const path = `${bin}:${client}:${Deno.env.get("PATH")}`;

  async function run(script: string, variables: DrillVariables): Promise<DrillOutcome> {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-euo", "pipefail", "-c", script],
      cwd: ROOT,
      env: { PATH: path, SUPABASE_TELEMETRY_DISABLED: "1", NO_COLOR: "1", ...variables },
      stdin: "null",
    }).output();
    const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: out ?? "", stderr: error ?? "" };
  }
  return {
    run,
    async follow(command, variables) {
      const { code, stderr } = await run(await readCommands(command), variables);
      assertEquals(code, 0, stderr);
    },
  };
}

/** The block of commands that starts with this command. */
export async function readCommands(command: Command): Promise<string> {
  const text = await Deno.readTextFile(new URL("scripts/README.md", ROOT));
  const [, section = ""] = /^## Back up and restore\n(.*?)^## /ms.exec(text) ?? [];
  const blocks = [...section.matchAll(/^```bash\n(.*?)^```/gms)].map(([, block = ""]) => block);
  const block = blocks.find((block) => block.startsWith(`${command} `));
  assert(block !== undefined, `scripts/README.md, "Back up and restore", has no commands that start with ${command}`);
  return block;
}
