/**
 * Measures a cold start: each deployed bundle's size and import time, compared with only supabase-js and with an empty
 * module. Uses the version of Deno that the platform's edge runtime is built on.
 */

import { fileURLToPath } from "node:url";
import { build } from "../deploy/build.ts";
import { CliError } from "../cli/error.ts";
import { projectUrl } from "../stack/projects.ts";
import { median } from "./support/figures.ts";
import { mapValues, ms, number, roundAll, table, times } from "./support/numbers.ts";
import type { Report, Scale } from "./support/part.ts";
import type { Verdict } from "./support/verdict.ts";

interface BundleFigure {
  bytes: number;
  import_ms: number;
}

/** The version that the platform's edge runtime is built on. */
const EDGE_DENO = "deno@2.1.4";

/** The module to compare the functions' bundles with. */
const SUPABASE_JS = "supabase-js";
const EMPTY = "empty";
const SUPABASE_JS_ALONE = `export { createClient } from "@supabase/supabase-js";\n`;

/** Prints the import time of the named module, in milliseconds. */
const IMPORT_TIME = `
  const begun = performance.now();
  await import(Deno.args[0]);
  console.log(performance.now() - begun);
`;

const MOST_OF_SUPABASE_JS = 1.2;

export async function measureBundles(
  { short, onProgress }: Scale,
  resources: AsyncDisposableStack,
): Promise<Report> {
  const folder = await Deno.makeTempDir();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  onProgress(`installing ${EDGE_DENO} into a temporary folder`);
  await run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, EDGE_DENO]);
  onProgress("bundling");
  const paths = await writeModules(folder);
  const taken = mapValues(paths, () => [] as number[]);
  const rounds = short ? 5 : 15;
  for (let round = 1; round <= rounds; round++) {
    onProgress(`imports, round ${round} of ${rounds}`);
    for (const [name, path] of Object.entries(paths)) taken[name]?.push(await importTime(folder, path));
  }
  const figures = mapValues(paths, (path) => ({ bytes: Deno.statSync(path).size, import_ms: NaN }));
  for (const [name, figure] of Object.entries(figures)) figure.import_ms = median(taken[name] ?? []);
  return {
    tables: [bundleTable(figures)],
    verdicts: bundleVerdicts(figures),
    json: { bundles: mapValues(figures, ({ bytes, import_ms }) => ({ bytes, ...roundAll({ import_ms }) })) },
  };
}

/** The modules to import, by name: the bundles and their baselines. */
async function writeModules(folder: string): Promise<Record<string, string>> {
  const paths: Record<string, string> = { [EMPTY]: `${folder}/empty.js`, [SUPABASE_JS]: `${folder}/supabase_js.js` };
  for (const { project, name } of await build()) paths[name] = fileURLToPath(projectUrl(project, `dist/${name}.js`));
  await Deno.writeTextFile(`${folder}/empty.js`, "export default {};\n");
  await Deno.writeTextFile(`${folder}/import_time.js`, IMPORT_TIME);
  await Deno.writeTextFile(`${folder}/supabase_js.ts`, SUPABASE_JS_ALONE);
  const config = `--config=${fileURLToPath(new URL("../../deno.json", import.meta.url))}`;
  const options = ["--quiet", "--minify", "--platform=deno", config, `--output=${folder}/supabase_js.js`];
  await run(Deno.execPath(), ["bundle", ...options, `${folder}/supabase_js.ts`]);
  return paths;
}

/** Runs in a new process without V8's code cache. */
async function importTime(folder: string, path: string): Promise<number> {
  const options = ["-A", "--no-remote", "--no-npm", "--no-config", "--no-code-cache"];
  const deno = `${folder}/node_modules/deno/deno`;
  return Number(await run(deno, ["run", ...options, `${folder}/import_time.js`, `file://${path}`]));
}

async function run(program: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
  if (code !== 0) throw new CliError(`${program} ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}

function bundleTable(bundles: Record<string, BundleFigure>): string {
  const alone = bundles[SUPABASE_JS];
  const rows = Object.entries(bundles).map(([name, { bytes, import_ms }]) => [
    name,
    number(bytes),
    ms(import_ms),
    alone ? times(bytes / alone.bytes) : "",
    alone ? times(import_ms / alone.import_ms) : "",
  ]);
  return table(["bundle, on Deno 2.1.4", "bytes", "import ms", "× its bytes", "× its import"], rows);
}

function bundleVerdicts(bundles: Record<string, BundleFigure>): Verdict[] {
  const alone = bundles[SUPABASE_JS];
  return Object.entries(bundles).filter(([name]) => name !== EMPTY && name !== SUPABASE_JS).map(([name, own]) => {
    const [bytes, time] = alone ? [own.bytes / alone.bytes, own.import_ms / alone.import_ms] : [NaN, NaN];
    const text = `${name} has ${times(bytes)} the bytes of supabase-js and ${times(time)} its import time`;
    return { kept: Math.max(bytes, time) <= MOST_OF_SUPABASE_JS, text: `${text} (at most ${MOST_OF_SUPABASE_JS})` };
  });
}
