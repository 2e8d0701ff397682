/** The sandbox of this machine: what of it is installed, and whether it works with the Executor's folders. */

import { type Settings, SettingsError } from "../settings.ts";
import { findCommands, homeOf } from "./program.ts";
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

/**
 * The best that this machine has, and why it has no sandbox, for a machine whose user trusts the servers. Where nobody may
 * read what servers need, as in root's home, root runs them: a sandbox as root still hides all other files.
 */
export async function bestSandbox(settings: Settings): Promise<{ options: SandboxOptions; fault?: string }> {
  const options = await sandboxOptions(settings);
  const needed = await neededBy(settings);
  const fault = await findSandboxFault(options, needed);
  if (fault === undefined) return { options };
  const asRoot = { ...options, userId: undefined };
  if (options.userId !== undefined && await findSandboxFault(asRoot, needed) === undefined) return { options: asRoot };
  return { options: await readableWithoutSandbox(settings), fault };
}

/** Without a sandbox, as a user who may read what servers need. */
export async function readableWithoutSandbox(settings: Settings): Promise<SandboxOptions> {
  const options = await withoutSandbox(settings);
  const { userId } = options;
  if (userId === undefined) return options;
  const readable = await Promise.all((await neededBy(settings)).map((path) => mayRead(userId, path)));
  return readable.every(Boolean) ? options : { ...options, userId: undefined };
}

/** The folders of servers, and Node: most servers run with it, and it may be in somebody's home. */
async function neededBy(settings: Settings): Promise<string[]> {
  const node = settings.commands.filter((name) => /^node(?:=|$)/.test(name));
  const found = await findCommands(node, Deno.env.get("PATH") ?? "");
  return [...await foldersOf(settings), ...[...found.values()].flatMap((path) => [...homeOf(path), path])];
}

async function mayRead(userId: number, path: string): Promise<boolean> {
  const user = { uid: userId, gid: userId, cwd: "/" };
  return (await new Deno.Command("/bin/sh", { args: ["-c", '[ -r "$0" ]', path], ...user }).output()).success;
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
