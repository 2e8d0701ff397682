/**
 * The store of packages that servers may run: each pinned to a version, installed without running anything of it, with the
 * integrity of all that was installed locked. Servers see their own package read-only.
 *
 *     <store>/<name, with + for />/<version>/     what was installed; it never changes
 *     <store>/<name, with + for />/pin.json       the version that runs when the arguments name no version
 *     <store>/.installing-*, .removing-*          unfinished: never read, and removed later
 */

import { join } from "node:path";
import * as z from "zod/mini";
import { ToolCallError } from "../../tool_call_error.ts";
import { NPM, readJson } from "./npm.ts";

const NAME = /^(?:@[a-z0-9][a-z0-9._~-]*\/)?[a-z0-9][a-z0-9._~-]*$/;
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const UNFINISHED = /^\.(?:installing|removing)-/;

/** In milliseconds: no installation takes so long, so what is older was left behind. */
const UNFINISHED_MS = 3_600_000;

export interface PackageSpec {
  name: string;
  /** Absent: the version that is pinned. */
  version: string | undefined;
}

const pin = z.object({
  version: z.string(),
  integrity: z.string(),
  /** Whether the package's first use chose the version, and no operator. */
  on_use: z.optional(z.boolean()),
});
export type Pin = z.output<typeof pin>;

export interface StoredPackage {
  name: string;
  /** What runs when the arguments name no version. Null if they always named one. */
  version: string | null;
  integrity: string | null;
  /** Whether an operator chose the version. */
  pinned: boolean;
  /** All versions that are there, this one too. */
  versions: string[];
}

/** Where a package is, and what of it to run. */
export interface InstalledPackage {
  folder: string;
  entry: string;
}

/** A kind of packages: how they are installed, and found in the folder that they were installed to. */
export interface PackageKind {
  /** @throws {ToolCallError} */
  install(spec: PackageSpec, folder: string): Promise<Pin>;
  /** The program's file, or undefined if the package is not there. @throws {ToolCallError} if it has no program. */
  findEntry(name: string, folder: string): Promise<string | undefined>;
}

/** `@scope/name@1.2.3`, or undefined if it is anything else: no address, no path, no range. `@latest` is what is pinned. */
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
  constructor(readonly folder: string, readonly installs = false, readonly kind: PackageKind = NPM) {}

  /** @throws {ToolCallError} if the package is not in the store. */
  async find(spec: PackageSpec): Promise<InstalledPackage> {
    const folder = join(this.homeOf(spec.name), await this.#versionOf(spec));
    const entry = await this.kind.findEntry(spec.name, folder);
    if (entry === undefined) throw notInstalled(spec);
    return { folder, entry };
  }

  /** Installs a package and pins it. A version that is already there stays unchanged. @throws {ToolCallError} */
  async add(spec: PackageSpec): Promise<Pin> {
    const pinned = await this.#installOnce(spec);
    await this.#writePin(spec.name, pinned, Deno.rename);
    return pinned;
  }

  /** The version that runs from now on: the one that an operator pinned meanwhile, or another process's first use. */
  async #addOnUse(spec: PackageSpec): Promise<Pin> {
    const chosen = { ...await this.#installOnce(spec), on_use: true };
    await this.#writePin(spec.name, chosen, linkUnlessThere);
    return await this.#pinOf(spec.name) ?? chosen;
  }

  async #installOnce(spec: PackageSpec): Promise<Pin> {
    const key = `${spec.name}@${spec.version}`;
    const running = this.#installing.get(key) ?? this.#install(spec);
    this.#installing.set(key, running);
    try {
      return await running;
    } finally {
      this.#installing.delete(key);
    }
  }

  /** Removes every version. Returns whether it was there. */
  async remove(name: string): Promise<boolean> {
    if (!NAME.test(name)) return false;
    const temporary = this.#newFolder("removing");
    const isThere = await Deno.rename(this.homeOf(name), temporary).then(() => true, () => false);
    if (isThere) await Deno.remove(temporary, { recursive: true });
    return isThere;
  }

  /** Every package, by name. */
  async list(): Promise<StoredPackage[]> {
    const found: StoredPackage[] = [];
    for (const folder of await foldersIn(this.folder)) {
      const stored = await this.get(folder.replace("+", "/"));
      if (stored !== undefined) found.push(stored);
    }
    return found.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** A package of which a version is installed. */
  async get(name: string): Promise<StoredPackage | undefined> {
    if (!NAME.test(name)) return undefined;
    const { version = null, integrity = null, on_use } = await this.#pinOf(name) ?? {};
    const versions = (await foldersIn(this.homeOf(name))).sort();
    if (version === null && versions.length === 0) return undefined;
    return { name, version, integrity, pinned: version !== null && on_use !== true, versions };
  }

  async #versionOf(spec: PackageSpec): Promise<string> {
    const pinned = await this.#pinOf(spec.name);
    if (spec.version !== undefined && await isFolder(join(this.homeOf(spec.name), spec.version))) return spec.version;
    if (spec.version === undefined && pinned !== undefined) return pinned.version;
    if (!this.installs) throw notInstalled(spec);
    // A version that one tenant asks for is not what other tenants get who ask for none.
    return (await (spec.version === undefined ? this.#addOnUse(spec) : this.#installOnce(spec))).version;
  }

  async #pinOf(name: string): Promise<Pin | undefined> {
    const parsed = pin.safeParse(await readJson(join(this.homeOf(name), "pin.json")));
    return parsed.success ? parsed.data : undefined;
  }

  /** Where all versions of a package are. */
  homeOf(name: string): string {
    return join(this.folder, name.replace("/", "+"));
  }

  /** Each step completes or changes nothing: a kill at any moment leaves what was there before. */
  async #install(spec: PackageSpec): Promise<Pin> {
    const temporary = this.#newFolder("installing");
    await Deno.mkdir(temporary, { recursive: true });
    await this.#removeUnfinished();
    try {
      const pinned = await this.kind.install(spec, temporary);
      await Deno.mkdir(this.homeOf(spec.name), { recursive: true });
      await moveUnlessThere(temporary, join(this.homeOf(spec.name), pinned.version));
      return pinned;
    } finally {
      await Deno.remove(temporary, { recursive: true }).catch(() => {});
    }
  }

  /** A reader sees the file whole: `move` puts it to its place at once. */
  async #writePin(name: string, pinned: Pin, move: (from: string, to: string) => Promise<void>): Promise<void> {
    const home = this.homeOf(name);
    const file = join(home, `.pin-${crypto.randomUUID()}.json`);
    await Deno.writeTextFile(file, JSON.stringify(pinned));
    await move(file, join(home, "pin.json"));
  }

  #newFolder(what: "installing" | "removing"): string {
    return join(this.folder, `.${what}-${crypto.randomUUID()}`);
  }

  async #removeUnfinished(): Promise<void> {
    for await (const { name } of Deno.readDir(this.folder)) {
      if (!UNFINISHED.test(name)) continue;
      const path = join(this.folder, name);
      const changed = (await Deno.stat(path).catch(() => undefined))?.mtime?.getTime() ?? Infinity;
      if (Date.now() - changed > UNFINISHED_MS) await Deno.remove(path, { recursive: true }).catch(() => {});
    }
  }
}

/** Another process may have installed the same version meanwhile. */
async function moveUnlessThere(from: string, to: string): Promise<void> {
  if (await isFolder(to)) return;
  await Deno.rename(from, to).catch(async (error) => {
    if (!await isFolder(to)) throw error;
  });
}

async function linkUnlessThere(from: string, to: string): Promise<void> {
  try {
    await Deno.link(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    await Deno.remove(from);
  }
}

function notInstalled({ name, version }: PackageSpec): ToolCallError {
  const spec = version === undefined ? name : `${name}@${version}`;
  const message = `the package ${spec} is not installed: ask the operator of the Executor to add it to its packages`;
  return new ToolCallError("program_not_found", message);
}

/** Those that are not hidden. */
async function foldersIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory && !name.startsWith(".")) names.push(name);
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
