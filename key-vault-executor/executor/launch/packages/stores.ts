/** Both stores of packages in one folder: npm's, and below it Python's, under a name that no package of npm has. */

import { dirname, join } from "node:path";
import { PackageStore } from "./packages.ts";
import { pythonPackages } from "./python.ts";

const PYTHON_FOLDER = ".python";

/** `commands`: the paths of what is installed. uv is beside uvx, and needed only to install. */
export function packageStores(folder: string, commands: ReadonlyMap<string, string>, installs = false) {
  const uvx = commands.get("uvx");
  const uv = uvx === undefined ? "uv" : join(dirname(uvx), "uv");
  return {
    packages: new PackageStore(folder, installs),
    pythonPackages: new PackageStore(
      join(folder, PYTHON_FOLDER),
      installs,
      pythonPackages(uv, commands.get("python3") ?? "python3"),
    ),
  };
}
