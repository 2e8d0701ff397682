/**
 * The store of packages that servers may run: each pinned to a version, installed by the npm client without its scripts,
 * with the integrity of everything below it locked. Servers see their own package read-only.
 *
 *     <store>/<name, with + for />/<version>/node_modules/<name>/package.json
 *     <store>/<name, with + for />/pin.json        the version that is run when none is asked for
 */

import { join } from "node:path";
import * as z from "zod/mini";
import { ToolCallError } from "../tool_call_error.ts";

const NAME = /^(?:@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*$/;
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;

/** What the npm client may know of the Executor's environment. */
const NPM_VARIABLES = /^(?:PATH|HOME|npm_config_.*|(?:https?|no)_proxy|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS)$/i;

export interface PackageSpec {
  name: string;
  /** Absent: the version that is pinned. */
  version: string | undefined;
}

const pin = z.object({ version: z.string(), integrity: z.string() });
export type Pin = z.output<typeof pin>;

const manifest = z.object({
  version: z.string(),
  main: z.optional(z.string()),
  bin: z.optional(z.union([z.string(), z.record(z.string(), z.string())])),
});

const lock = z.object({
  packages: z.record(z.string(), z.object({ integrity: z.optional(z.string()), link: z.optional(z.boolean()) })),
});

/** Where a package is, and what of it to run. */
export interface InstalledPackage {
  folder: string;
  entry: string;
}

/** `@scope/name@1.2.3`, or undefined if it is no such thing: no address, no path, no range. `@latest` is what is pinned. */
export function parsePackage(text: string): PackageSpec | undefined {
  const at = text.indexOf("@", 1);
  const name = at === -1 ? text : text.slice(0, at);
  const version = at === -1 ? undefined : text.slice(at + 1);
  if (!NAME.test(name) || name.length > 214) return undefined;
  if (version === undefined || version === "latest") return { name, version: undefined };
  return VERSION.test(version) ? { name, version } : undefined;
}

export class PackageStore {
  readonly #installing = new Map<string, Promise<Pin>>();

  /** `installs`: whether a package that is not there is installed when it is first used. */
  constructor(readonly folder: string, readonly installs = false) {}

  /** @throws {ToolCallError} if the package is not in the store. */
  async find(spec: PackageSpec): Promise<InstalledPackage> {
    const version = await this.#versionOf(spec);
    const folder = join(this.#homeOf(spec.name), version);
    const root = join(folder, "node_modules", spec.name);
    const parsed = manifest.safeParse(await readJson(join(root, "package.json")));
    if (!parsed.success) throw notInstalled(spec);
    const entry = await findEntry(spec.name, root, parsed.data);
    return { folder, entry };
  }

  /** Installs a package and pins it. The version that is there is kept as it is. */
  async add(spec: PackageSpec): Promise<Pin> {
    const key = `${spec.name}@${spec.version}`;
    const running = this.#installing.get(key) ?? this.#install(spec);
    this.#installing.set(key, running);
    try {
      return await running;
    } finally {
      this.#installing.delete(key);
    }
  }

  /** Whether it was there. Servers that run go on until they end. */
  async remove(name: string): Promise<boolean> {
    if (!NAME.test(name)) return false;
    return await Deno.remove(this.#homeOf(name), { recursive: true }).then(() => true, () => false);
  }

  /** Every package that is pinned, by name. */
  async list(): Promise<({ name: string } & Pin)[]> {
    const found: ({ name: string } & Pin)[] = [];
    for await (const entry of Deno.readDir(this.folder)) {
      const pinned = await this.#pinOf(entry.name.replace("+", "/"));
      if (pinned !== undefined) found.push({ name: entry.name.replace("+", "/"), ...pinned });
    }
    return found.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  async #versionOf(spec: PackageSpec): Promise<string> {
    const pinned = await this.#pinOf(spec.name);
    if (spec.version !== undefined && await isFolder(join(this.#homeOf(spec.name), spec.version))) return spec.version;
    if (spec.version === undefined && pinned !== undefined) return pinned.version;
    if (!this.installs) throw notInstalled(spec);
    return (await this.add(spec)).version;
  }

  async #pinOf(name: string): Promise<Pin | undefined> {
    const parsed = pin.safeParse(await readJson(join(this.#homeOf(name), "pin.json")));
    return parsed.success ? parsed.data : undefined;
  }

  #homeOf(name: string): string {
    return join(this.folder, name.replace("/", "+"));
  }

  async #install(spec: PackageSpec): Promise<Pin> {
    const home = this.#homeOf(spec.name);
    const temporary = join(this.folder, `.installing-${crypto.randomUUID()}`);
    await Deno.mkdir(temporary, { recursive: true });
    try {
      await Deno.writeTextFile(join(temporary, "package.json"), '{ "private": true }');
      await runNpm(spec, temporary);
      const pinned = await readPin(spec, temporary);
      await Deno.mkdir(home, { recursive: true });
      const target = join(home, pinned.version);
      if (!await isFolder(target)) await Deno.rename(temporary, target);
      await Deno.writeTextFile(join(home, "pin.json"), JSON.stringify(pinned));
      return pinned;
    } finally {
      await Deno.remove(temporary, { recursive: true }).catch(() => {});
    }
  }
}

async function runNpm({ name, version }: PackageSpec, folder: string): Promise<void> {
  const flags = ["--ignore-scripts", "--save-exact", "--omit=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  const variables = Object.entries(Deno.env.toObject()).filter(([variable]) => NPM_VARIABLES.test(variable));
  const { success, stderr } = await new Deno.Command("npm", {
    args: ["install", ...flags, "--", `${name}@${version ?? "latest"}`],
    cwd: folder,
    clearEnv: true,
    env: Object.fromEntries(variables),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output().catch((cause) => {
    const message = "packages cannot be installed here, since npm is not there: tell whoever runs the Executor";
    throw new ToolCallError("program_not_found", message, cause.name);
  });
  if (success) return;
  const message = `the package ${name} could not be installed: check its name, or tell whoever runs the Executor`;
  throw new ToolCallError("program_not_found", message, new TextDecoder().decode(stderr).slice(0, 2000));
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

/** The package's program, as npx chooses it: the one with the package's name, or the only one; else its main module. */
async function findEntry(name: string, root: string, { bin, main }: z.output<typeof manifest>): Promise<string> {
  const programs = typeof bin === "string" ? { "": bin } : bin ?? {};
  const own = programs[name.replace(/^.*\//, "")];
  const paths = [...new Set(Object.values(programs))];
  const path = own ?? (paths.length === 1 ? paths[0] : undefined) ?? (paths.length === 0 ? main : undefined);
  const entry = path === undefined ? undefined : await Deno.realPath(join(root, path)).catch(() => undefined);
  if (entry?.startsWith(`${await Deno.realPath(root)}/`)) return entry;
  throw new ToolCallError("program_not_found", `the package ${name} has no program to run: use one that has a "bin"`);
}

function notInstalled({ name, version }: PackageSpec): ToolCallError {
  const spec = version === undefined ? name : `${name}@${version}`;
  const message = `the package ${spec} is not installed: ask whoever runs the Executor to add it to its packages`;
  return new ToolCallError("program_not_found", message);
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await Deno.readTextFile(path));
  } catch {
    return undefined;
  }
}
