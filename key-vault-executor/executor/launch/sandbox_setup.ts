/** The sandbox of this machine: what of it is installed, and whether it works with the Executor's folders. */

import { type Settings, SettingsError } from "../settings.ts";
import { findCommands } from "./program.ts";
import { DEFAULT_LIMITS, findSandboxFault, NOBODY, type SandboxOptions } from "./sandbox.ts";

/** @throws {SettingsError} where servers cannot be sandboxed. */
export async function requireSandbox(settings: Settings): Promise<SandboxOptions> {
  const options = await sandboxOptions(settings);
  const fault = await findSandboxFault(options, await foldersOf(settings));
  if (fault === undefined) return options;
  throw new SettingsError([`${fault}. Install or allow it, or give --no-sandbox to run servers without one`]);
}

export async function withoutSandbox(settings: Settings): Promise<SandboxOptions> {
  return { ...await sandboxOptions(settings), bubblewrap: undefined };
}

/** The best that this machine has, and what is missing, for a machine whose user trusts the servers. */
export async function bestSandbox(settings: Settings): Promise<{ options: SandboxOptions; fault?: string }> {
  const options = await sandboxOptions(settings);
  const folders = await foldersOf(settings);
  const fault = await findSandboxFault(options, folders);
  if (fault === undefined) return { options };
  // Nobody may read a folder of root's home. A sandbox as root still hides all other files.
  const asRoot = { ...options, userId: undefined };
  if (options.userId !== undefined && await findSandboxFault(asRoot, folders) === undefined) return { options: asRoot };
  return { options: { ...asRoot, bubblewrap: undefined }, fault };
}

async function sandboxOptions({ memoryBytes, network }: Settings): Promise<SandboxOptions> {
  const found = await findCommands(["bwrap", "prlimit"], Deno.env.get("PATH") ?? "");
  return {
    bubblewrap: found.get("bwrap"),
    prlimit: found.get("prlimit"),
    limits: { ...DEFAULT_LIMITS, memory: memoryBytes },
    network,
    // The limit of processes does not bind root, and files that root may read are not for servers.
    userId: Deno.uid() === 0 ? NOBODY : undefined,
  };
}

function foldersOf({ packages, scripts }: Settings): Promise<string[]> {
  return Promise.all([packages, ...(scripts === undefined ? [] : [scripts])].map(realFolder));
}

/** @throws {SettingsError} */
export async function realFolder(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (error) {
    throw new SettingsError([`the folder ${path} cannot be used: ${error instanceof Error ? error.message : error}`]);
  }
}
