// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task types`: writes the types of each project's migrated database, which the supabase CLI generates, to
 * `<project>/supabase/database.types.ts`. With --check, it writes nothing and fails if the files differ.
 */

import { newProgram, runProgram } from "../cli/program.ts";
import { CliError } from "../cli/error.ts";
import { type ProjectName, projectUrl } from "../stack/projects.ts";
import { supabaseCli } from "./supabase_cli.ts";
import { type ScratchCluster, startCluster } from "../test/support/cluster.ts";

async function writeTypes({ check }: { check?: boolean }): Promise<void> {
  const cluster = await startCluster();
  try {
    for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
      const path = projectUrl(project, "database.types.ts");
      const types = await format(await generate(cluster, project));
      if (!check) await Deno.writeTextFile(path, types);
      else if (await Deno.readTextFile(path).catch(() => "") !== types) {
        throw new CliError(`${project}/supabase/database.types.ts is not up to date; run deno task types`);
      }
      console.log(`${project}/supabase/database.types.ts ${check ? "is up to date" : "written"}`);
    }
  } finally {
    await cluster.stop();
  }
}

async function generate(cluster: ScratchCluster, project: ProjectName): Promise<string> {
  const database = await cluster.createProject(project);
  const { program, args } = supabaseCli();
  const remote = `--remote=${cluster.url("postgres", database)}?sslmode=disable`;
  const { code, stdout } = await new Deno.Command(program, {
    args: [...args, "gen", "types", "--lang", "typescript", "--schema", "public", remote],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new CliError("supabase gen types failed");
  return `// Written by deno task types.\n\n${new TextDecoder().decode(stdout).trim()}\n`;
}

async function format(text: string): Promise<string> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--ext=ts", "-"],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  return new TextDecoder().decode((await process.output()).stdout);
}

if (import.meta.main) {
  await runProgram(
    newProgram("types", "Migrates an empty database for each project, and writes its types with supabase gen types.")
      .option("--check", "fail if the files are not up to date, and write nothing")
      .action(writeTypes),
  );
}
