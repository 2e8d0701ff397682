/**
 * What a cold start takes: the size of each deployed bundle and the time that its import takes, on the version of Deno that the
 * platform's edge runtime is built on, beside supabase-js alone and an empty module.
 */

import { fileURLToPath } from "node:url";
import { build } from "../build.ts";
import { StackError } from "../stack/child.ts";
import { projectUrl } from "../stack/projects.ts";
import { median } from "./figures.ts";

export interface BundleOptions {
  rounds: number;
  onProgress: (step: string) => void;
}

export interface BundleFigure {
  bytes: number;
  import_ms: number;
}

/** The version that the platform's edge runtime is built on. */
const EDGE_DENO = "deno@2.1.4";

/** What the functions' bundles are held against. */
export const SUPABASE_JS = "supabase-js";
export const EMPTY = "empty";
const SUPABASE_JS_ALONE = `export { createClient } from "@supabase/supabase-js";\n`;

/** Prints how long the import of the module that is named takes, in milliseconds. */
const IMPORT_TIME = `
  const begun = performance.now();
  await import(Deno.args[0]);
  console.log(performance.now() - begun);
`;

export async function measureBundles(
  { rounds, onProgress }: BundleOptions,
  resources: AsyncDisposableStack,
): Promise<Record<string, BundleFigure>> {
  const folder = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  onProgress(`installing ${EDGE_DENO} into a temporary folder`);
  await run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, EDGE_DENO]);
  onProgress("bundling");
  const paths = new Map([[EMPTY, `${folder}/empty.js`], [SUPABASE_JS, `${folder}/supabase_js.js`]]);
  for (const { project, name } of await build()) paths.set(name, fileURLToPath(projectUrl(project, `dist/${name}.js`)));
  await Deno.writeTextFile(`${folder}/empty.js`, "export default {};\n");
  await Deno.writeTextFile(`${folder}/import_time.js`, IMPORT_TIME);
  await Deno.writeTextFile(`${folder}/supabase_js.ts`, SUPABASE_JS_ALONE);
  const config = `--config=${fileURLToPath(new URL("../../deno.json", import.meta.url))}`;
  const options = ["--quiet", "--minify", "--platform=deno", config, `--output=${folder}/supabase_js.js`];
  await run(Deno.execPath(), ["bundle", ...options, `${folder}/supabase_js.ts`]);

  const times = new Map([...paths.keys()].map((name) => [name, [] as number[]]));
  for (let round = 1; round <= rounds; round++) {
    onProgress(`imports, round ${round} of ${rounds}`);
    for (const [name, path] of paths) times.get(name)?.push(await importTime(folder, path));
  }
  const figures = [...paths].map(async ([name, path]) =>
    [name, { bytes: (await Deno.stat(path)).size, import_ms: median(times.get(name) ?? []) }] as const
  );
  return Object.fromEntries(await Promise.all(figures));
}

/** In a process of its own, without the code that V8 has kept of an earlier one. */
async function importTime(folder: string, path: string): Promise<number> {
  const options = ["-A", "--no-remote", "--no-npm", "--no-config", "--no-code-cache"];
  const deno = `${folder}/node_modules/deno/deno`;
  return Number(await run(deno, ["run", ...options, `${folder}/import_time.js`, `file://${path}`]));
}

async function run(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (code !== 0) throw new StackError(`${program} ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
