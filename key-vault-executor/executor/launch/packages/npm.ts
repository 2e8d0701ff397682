/** Packages of npm: installed by its client without their scripts, with the integrity of everything below them locked. */

import { join } from "node:path";
import * as z from "zod/mini";
import { ToolCallError } from "../../tool_call_error.ts";
import { runInstaller } from "./installer.ts";
import type { PackageKind, PackageSpec, Pin } from "./packages.ts";

const FLAGS = ["--ignore-scripts", "--save-exact", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];

const manifest = z.object({
  version: z.string(),
  main: z.optional(z.string()),
  bin: z.optional(z.union([z.string(), z.record(z.string(), z.string())])),
});

const lock = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.optional(z.string()), link: z.optional(z.boolean()) })),
});

/** In `<folder>/node_modules/<name>`. */
export const NPM: PackageKind = {
  async install(spec: PackageSpec, folder: string): Promise<Pin> {
    await Deno.writeTextFile(join(folder, "package.json"), '{ "private": true }');
    const args = ["install", ...FLAGS, "--", `${spec.name}@${spec.version ?? "latest"}`];
    await runInstaller("npm", args, { folder, name: spec.name });
    return await readPin(spec, folder);
  },

  /** The package's program, as npx chooses it: the one with the package's name, or the only one; else its main module. */
  async findEntry(name: string, folder: string): Promise<string | undefined> {
    const root = join(folder, "node_modules", name);
    const parsed = manifest.safeParse(await readJson(join(root, "package.json")));
    if (!parsed.success) return undefined;
    const path = programOf(name, parsed.data);
    const entry = path === undefined ? undefined : await Deno.realPath(join(root, path)).catch(() => undefined);
    if (entry?.startsWith(`${await Deno.realPath(root)}/`)) return entry;
    const message = `the package ${name} has no program to run: use one that has a "bin"`;
    throw new ToolCallError("program_not_found", message);
  },
};

function programOf(name: string, { bin, main }: z.output<typeof manifest>): string | undefined {
  const programs = typeof bin === "string" ? { "": bin } : bin ?? {};
  const own = programs[name.replace(/^.*\//, "")];
  const paths = [...new Set(Object.values(programs))];
  return own ?? (paths.length === 1 ? paths[0] : undefined) ?? (paths.length === 0 ? main : undefined);
}

/** Everything that was installed must have an integrity: a dependency from git or an address has none. */
async function readPin({ name }: PackageSpec, folder: string): Promise<Pin> {
  const { packages } = lock.parse(await readJson(join(folder, "package-lock.json")));
  const unlocked = Object.entries(packages).find(([path, entry]) => path !== "" && entry.integrity === undefined);
  const integrity = packages[`node_modules/${name}`]?.integrity;
  if (unlocked !== undefined || integrity === undefined) {
    const message =
      `the package ${name} depends on something that does not come from a registry, so it is not installed`;
    throw new ToolCallError("program_not_found", message, unlocked?.[0]);
  }
  const { version } = manifest.parse(await readJson(join(folder, "node_modules", name, "package.json")));
  return { version, integrity };
}

/** Undefined if the file is missing or is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined;
  }
}
