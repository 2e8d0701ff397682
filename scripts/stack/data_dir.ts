/** The data folder of a stack: `lock`, `stack.json`, and for each engine its `keys.json` and databases. */

import { dirname } from "node:path";
import { CliError } from "../cli/error.ts";
import { generateKeys, readKeys, type StackKeys, writeSecretJson } from "./keys.ts";
import { removeDataFolder } from "./postgres_user.ts";

/** Makes the folder if it is not there, and returns its whole path. */
export async function prepareDataDir(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.realPath(folder);
  } catch (error) {
    throw new CliError(`the data folder ${folder} cannot be made: ${error instanceof Error ? error.message : error}`);
  }
}

/** A lock that ends with this process, however that ends. */
export async function takeLock(dataDir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true }).catch((error) => {
    throw new CliError(`the data folder ${dataDir} cannot be written to: ${error.message}`);
  });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new CliError(`a stack is running in ${dataDir} already; stop it, or choose another folder with --data-dir`);
}

/** The keys of the last start, or new ones in an empty folder. Deletes data only if asked to, or if there is none yet. */
export async function prepareKeys(fresh: boolean, engine: "pglite" | "postgres", folder: string): Promise<StackKeys> {
  const keysPath = `${folder}/keys.json`;
  if (!fresh && await exists(folder)) {
    const kept = await readKeys(keysPath).catch(() => {
      throw new CliError(`${keysPath} is missing or damaged; restore it, or begin anew with --fresh`);
    });
    // Without organizations the first start did not end, and there is nothing to lose.
    if (kept.organizations !== undefined) return kept;
  }
  await removeDataFolder(`${folder}/cluster`);
  await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
  const keys = generateKeys();
  // The user that PostgreSQL runs as has to pass through it. The keys come with the folder, or a folder without keys
  // would be taken for one that has lost them.
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
