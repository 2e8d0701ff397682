// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task build`: writes the OpenAPI documents that the routers serve. Then it bundles each function, minified, into
 * `<project>/supabase/dist/<name>.js` with a source map, and prints the size of each package in it. Bundles are needed
 * because the supabase CLI uploads nothing from outside a project's folder.
 */

import { decode } from "@jridgewell/sourcemap-codec";
import { fileURLToPath } from "node:url";
import { newProgram, runProgram } from "../cli/program.ts";
import { writeDocuments } from "./documents.ts";
import { CliError } from "../cli/error.ts";
import { functionNames, type ProjectName, projectUrl } from "../stack/projects.ts";

/** The driver of direct connections stays outside: the runtime loads it if a function has DATABASE_URL. */
const DRIVER = "npm:postgres@3.4.9";

const OPTIONS = ["--quiet", "--minify", "--platform=deno", "--sourcemap=external", `--external=${DRIVER}`];

export interface Bundle {
  project: ProjectName;
  name: string;
  /** Size of the file. */
  bytes: number;
  /** Bytes by package, the largest first. Our own code is "this project". */
  packages: Record<string, number>;
}

export async function build(onBundle: (bundle: Bundle) => void = () => {}): Promise<Bundle[]> {
  const bundles: Bundle[] = [];
  for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
    for (const name of await functionNames(project)) {
      const bundle = await bundleFunction(project, name);
      onBundle(bundle);
      bundles.push(bundle);
    }
  }
  return bundles;
}

async function bundleFunction(project: ProjectName, name: string): Promise<Bundle> {
  const output = fileURLToPath(projectUrl(project, `dist/${name}.js`));
  const entry = fileURLToPath(projectUrl(project, `functions/${name}/index.ts`));
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", ...OPTIONS, `--output=${output}`, entry],
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new CliError(`${name} cannot be bundled`);
  const [text, map] = await Promise.all([Deno.readTextFile(output), Deno.readTextFile(`${output}.map`)]);
  return { project, name, bytes: new TextEncoder().encode(text).byteLength, packages: weigh(text, JSON.parse(map)) };
}

/** Attributes each part of the bundle to the package of its source. */
function weigh(text: string, map: { mappings: string; sources: string[] }): Record<string, number> {
  const weights = new Map<string, number>();
  const lines = text.split("\n");
  decode(map.mappings).forEach((segments, line) => {
    segments.forEach((segment, index) => {
      const end = segments[index + 1]?.[0] ?? lines[line]?.length ?? segment[0];
      const owner = packageOf(segment.length > 1 ? map.sources[segment[1] ?? 0] : undefined);
      weights.set(owner, (weights.get(owner) ?? 0) + end - segment[0]);
    });
  });
  return Object.fromEntries([...weights].sort(([, a], [, b]) => b - a));
}

function packageOf(source: string | undefined): string {
  const found = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source ?? "");
  return found?.[1] ?? "this project";
}

if (import.meta.main) {
  await runProgram(
    newProgram("build", "Writes the OpenAPI documents, and bundles every function for `supabase functions deploy`.")
      .option("--json", "print one array: the bytes of each bundle, in total and by package")
      .action(async ({ json }: { json?: boolean }) => {
        await writeDocuments();
        const bundles = await build(json ? undefined : print);
        if (json) console.log(JSON.stringify(bundles));
      }),
  );
}

function print({ project, name, bytes, packages }: Bundle): void {
  const parts = Object.entries(packages).map(([owner, size]) => `${owner} ${kilobytes(size)}`);
  console.log(`${project}/supabase/dist/${name}.js  ${kilobytes(bytes)}: ${parts.join(", ")}`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
