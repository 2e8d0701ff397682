// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * `deno task build`: bundles each function into `<project>/supabase/dist/<name>.js`, minified, with its source map beside
 * it, and prints what each is made of. First it writes the OpenAPI documents that the routers serve. The supabase CLI uploads nothing from outside a project's folder.
 */

import { parseArgs } from "node:util";
import { decode } from "@jridgewell/sourcemap-codec";
import { fileURLToPath } from "node:url";
import { writeDocuments } from "./documents.ts";
import { StackError, tell } from "./stack/child.ts";
import { functionNames, type ProjectName, projectUrl } from "./stack/projects.ts";

const HELP =
  `Writes the OpenAPI documents, and bundles every function of both projects for \`supabase functions deploy\`.

Usage: deno task build [options]

  --json    one object: bytes of each bundle, in all and by package
  --help    this text
`;

export interface Bundle {
  project: ProjectName;
  name: string;
  /** Size of the file. */
  bytes: number;
  /** Bytes by package, the largest first; our own code as "this project". */
  packages: Record<string, number>;
}

/** Bundles every function of the projects. */
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
    args: ["bundle", "--quiet", "--minify", "--platform=deno", "--sourcemap=external", `--output=${output}`, entry],
    stdout: "null",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new StackError(`${name} cannot be bundled`);
  const [text, map] = await Promise.all([Deno.readTextFile(output), Deno.readTextFile(`${output}.map`)]);
  return { project, name, bytes: new TextEncoder().encode(text).byteLength, packages: weigh(text, JSON.parse(map)) };
}

/** Attributes each piece of the bundle to the package of the source that it was made from. */
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
  try {
    const { values } = parseArgs({ options: { json: { type: "boolean" }, help: { type: "boolean", short: "h" } } });
    if (values.help) {
      console.log(HELP);
    } else {
      await writeDocuments();
      const bundles = await build(values.json ? undefined : print);
      if (values.json) console.log(JSON.stringify(bundles));
    }
  } catch (error) {
    tell(error instanceof TypeError ? new StackError(`${error.message} (see deno task build --help)`) : error);
    Deno.exit(1);
  }
}

function print({ project, name, bytes, packages }: Bundle): void {
  const parts = Object.entries(packages).map(([owner, size]) => `${owner} ${kilobytes(size)}`);
  console.log(`${project}/supabase/dist/${name}.js  ${kilobytes(bytes)}: ${parts.join(", ")}`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
