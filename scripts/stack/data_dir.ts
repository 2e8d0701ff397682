/** The data folder of a stack: `lock`, `stack.json`, and for each engine its `keys.json` and databases. */

import { StackError } from "./child.ts";
import { generateKeys, readKeys, type StackKeys, writeSecretJson } from "./keys.ts";

/** Makes the folder if it is not there, and returns its whole path. */
export async function prepareDataDir(folder: string): Promise<string> {
  try {
    await Deno.mkdir(folder, { recursive: true });
    return await Deno.realPath(folder);
  } catch (error) {
    throw new StackError(`the data folder ${folder} cannot be made: ${error instanceof Error ? error.message : error}`);
  }
}

/** A lock that ends with this process, however that ends. */
export async function takeLock(dataDir: string): Promise<Deno.FsFile> {
  const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true });
  if (await file.tryLock(true)) return file;
  file.close();
  throw new StackError(`a stack is running in ${dataDir} already; stop it, or choose another folder with --data-dir`);
}

/** The keys of the last start, or new ones in an empty folder. */
export async function prepareKeys(fresh: boolean, engine: "pglite" | "postgres", folder: string): Promise<StackKeys> {
  const keysPath = `${folder}/keys.json`;
  const kept = fresh ? undefined : await readKeys(keysPath).catch(() => {
    throw new StackError(`${keysPath} cannot be read; begin anew with --fresh`);
  });
  // Without organizations an earlier start did not end, and there is nothing to lose.
  if (kept?.organizations !== undefined) return kept;
  await Deno.remove(folder, { recursive: true }).catch(ignoreMissing);
  // The user that PostgreSQL runs as has to pass through it.
  await Deno.mkdir(folder, { mode: engine === "postgres" ? 0o711 : 0o700 });
  const keys = generateKeys();
  await writeSecretJson(keysPath, keys);
  return keys;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
