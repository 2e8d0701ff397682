/** Which processes of this machine run from a folder. */

import { resolve } from "node:path";

/**
 * The ids of processes with the folder in their arguments, as a sandbox and an interpreter have it. Empty where a system
 * does not tell, as all but Linux.
 */
export async function findUsers(folder: string): Promise<number[]> {
  const root = await Deno.realPath(folder).catch(() => resolve(folder));
  const found: number[] = [];
  for (const name of await processes()) {
    const words = (await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "")).split("\0");
    const isUser = words.some((word) => word === root || word.startsWith(`${root}/`));
    if (isUser && Number(name) !== Deno.pid) found.push(Number(name));
  }
  return found;
}

async function processes(): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir("/proc"));
    return entries.map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
