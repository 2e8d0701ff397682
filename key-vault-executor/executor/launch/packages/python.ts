/**
 * Packages of Python: installed by uv from wheels only, so that nothing of them runs, with the hash of each wheel locked.
 *
 *     <folder>/lock.txt     every package, its version and its hashes
 *     <folder>/site/        the packages
 *     <folder>/start.py     starts one of their console scripts
 */

import { join } from "node:path";
import { encodeBase64 } from "@std/encoding/base64";
import { ToolCallError } from "../../tool_call_error.ts";
import { runInstaller } from "./installer.ts";
import type { PackageKind, PackageSpec, Pin } from "./packages.ts";

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/;
const VERSION = /^\d+(?:\.\d+)*(?:(?:a|b|rc|\.post|\.dev)\d+)*$/;

const START = `"""Starts a console script of the packages in the folder site."""
import importlib.metadata, os, site, sys

site.addsitedir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "site"))
name = sys.argv.pop(1)
scripts = list(importlib.metadata.entry_points(group="console_scripts", name=name))
if not scripts:
    sys.exit("the packages have no console script " + name)
sys.argv[0] = name
sys.exit(scripts[0].load()())
`;

/** `name`, `name@1.2.3` or `name==1.2.3`, or undefined. The name is in the form that PyPI compares. */
export function parsePythonPackage(text: string): PackageSpec | undefined {
  const [given = "", version, ...rest] = text.split(/@|==/);
  if (!NAME.test(given) || rest.length > 0) return undefined;
  const name = given.toLowerCase().replaceAll(/[-_.]+/g, "-");
  if (version === undefined || version === "latest") return { name, version: undefined };
  return VERSION.test(version) ? { name, version } : undefined;
}

/** What makes them: uv, for the Python that runs them. Both are paths. */
export function pythonPackages(uv: string, python: string): PackageKind {
  const common = ["--python", python, "--only-binary", ":all:", "--no-config", "--no-python-downloads", "--quiet"];
  return {
    async install({ name, version }: PackageSpec, folder: string): Promise<Pin> {
      await Deno.writeTextFile(join(folder, "wanted.txt"), version === undefined ? name : `${name}==${version}`);
      const lock = ["pip", "compile", ...common, "--generate-hashes", "--no-annotate", "--no-header"];
      await runInstaller(uv, [...lock, "--output-file", "lock.txt", "wanted.txt"], { folder, name });
      const install = ["pip", "install", ...common, "--require-hashes", "--no-deps", "--compile-bytecode"];
      await runInstaller(uv, [...install, "--target", "site", "--requirements", "lock.txt"], { folder, name });
      await Deno.writeTextFile(join(folder, "start.py"), START);
      return await readPin(name, folder);
    },

    async findEntry(_name: string, folder: string): Promise<string | undefined> {
      const entry = join(folder, "start.py");
      return await Deno.stat(entry).then(() => entry, () => undefined);
    },
  };
}

/** The integrity is that of the lock, which has those of all packages. */
async function readPin(name: string, folder: string): Promise<Pin> {
  const lock = await Deno.readTextFile(join(folder, "lock.txt"));
  const version = lock.split("\n").find((line) => line.startsWith(`${name}==`))?.slice(name.length + 2).split(" ")[0];
  if (version === undefined || !VERSION.test(version)) {
    throw new ToolCallError("program_not_found", `the package ${name} has a version that cannot be pinned`);
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lock));
  return { version, integrity: `sha256-${encodeBase64(new Uint8Array(digest))}` };
}
