/** A small file system for PostgreSQL's data folder, which a test fills completely. */

import { makeFolder } from "./rig.ts";

export interface SmallDisk {
  folder: string;
  fill(): Promise<void>;
  /** Deletes the file that filled it. */
  empty(): Promise<void>;
  unmount(): Promise<void>;
}

/** Mounts it. @throws if mounting needs a password */
export async function mountSmallDisk(megabytes: number): Promise<SmallDisk> {
  const folder = await makeFolder();
  await run("mount", "-t", "tmpfs", "-o", `size=${megabytes}m,mode=0777`, "tmpfs", folder);
  const filler = `${folder}/filler`;
  return {
    folder,
    async fill() {
      const file = await Deno.open(filler, { create: true, append: true });
      try {
        // The pieces get smaller, so that no page is left.
        for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) await writeUntilFull(file, new Uint8Array(bytes));
      } finally {
        file.close();
      }
    },
    empty: () => Deno.remove(filler),
    async unmount() {
      await run("umount", folder);
      await Deno.remove(folder);
    },
  };
}

async function writeUntilFull(file: Deno.FsFile, piece: Uint8Array): Promise<void> {
  try {
    while (await file.write(piece) === piece.length);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}

async function run(...command: string[]): Promise<void> {
  const [program = "", ...args] = Deno.uid() === 0 ? command : ["sudo", "-n", ...command];
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${command.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
