/** A stack's data folder: `lock`, `stack.json`, and each engine's `keys.json` and databases. */

import { dirname } from "node:path";
import { CliError } from "../../cli/error.ts";
import { generateKeys, readKeys, type StackKeys, writeSecretJson } from "./keys.ts";
import { removeDataFolder } from "../postgres/system_user.ts";

/** Creates the folder if it does not exist, and returns its full path. */
export async function prepareDataDir(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.realPath(folder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    throw new CliError(`the data folder ${folder} cannot be created: ${reason}`);
  }
}

/** Takes a lock that the operating system releases when this process ends. */
export async function takeLock(dataDir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true }).catch((error) => {
    throw new CliError(`the data folder ${dataDir} cannot be written to: ${error.message}`);
  });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new CliError(`a stack is already running in ${dataDir}; stop it, or choose another folder with --data-dir`);
}

/** The keys of the last start, or new ones. Deletes data only with `fresh`, or when the first start did not finish. */
export async function prepareKeys(fresh: boolean, engine: "pglite" | "postgres", folder: string): Promise<StackKeys> {
  const keysPath = `${folder}/keys.json`;
  if (!fresh && await exists(folder)) {
    const kept = await readKeys(keysPath).catch(() => {
      throw new CliError(`${keysPath} is missing or damaged; restore it, or start again with --fresh`);
    });
    // Without organizations, the first start did not finish, and there is no data to keep.
    if (kept.organizations !== undefined) return kept;
  }
  await removeDataFolder(`${folder}/cluster`);
  await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
  const keys = await generateKeys();
  // PostgreSQL's user must be able to enter the folder. The rename creates the folder with its keys: a folder without
  // keys would look as if it had lost them.
  const making = await Deno.makeTempDir({ dir: dirname(folder), prefix: `.${engine}-` });
  await Deno.chmod(making, engine === "postgres" ? 0o711 : 0o700);
  await writeSecretJson(`${making}/keys.json`, keys);
  await Deno.rename(making, folder);
  return keys;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
