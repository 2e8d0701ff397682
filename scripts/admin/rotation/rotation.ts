/**
 * Re-seals what is not under the current key. Each batch is read, opened and sealed here, and swapped in one transaction,
 * row by row only where the sealed bytes are still those that were read: a store meanwhile wins. What is re-sealed is
 * done, so a run may end at any point and be repeated.
 */

import { ApiError } from "shared/api_error.ts";
import type { Keyring } from "shared/crypto/keyring.ts";
import { open, seal } from "shared/crypto/seal.ts";
import type { ProjectAccess } from "../client/call.ts";
import { type KeyUse, total, useOf } from "./encryption_keys.ts";
import { startProgress } from "../../cli/progress.ts";
import { readStatus } from "../client/project_status.ts";
import { withRetries } from "../client/retry.ts";
import { readSealedPages, rowOf, type SealedCredential, type Swap, swapSealed } from "./sealed_credentials.ts";
import { addUnreadable, ALTERED, type UnreadableList } from "./unreadable.ts";

/** After the first, a pass is for what was stored under an old key meanwhile. */
const MAX_PASSES = 3;

export interface Rotation {
  /** Of the events of all that was re-sealed. */
  requestId: string;
  resealed: number;
  unreadable: UnreadableList;
  /** As they stand at the end. */
  keys: KeyUse[];
}

export async function readInventory(vault: ProjectAccess): Promise<{ id: string; credentials: number }[]> {
  return (await readStatus("key-vault-executor", vault)).encryption_keys ?? [];
}

/** Ends after a batch when `stop` is given. */
export async function rotate(
  vault: ProjectAccess,
  keyring: Keyring,
  before: KeyUse[],
  stop: AbortSignal,
): Promise<Rotation> {
  const rotation = { requestId: crypto.randomUUID(), resealed: 0, unreadable: noneUnreadable(), keys: before };
  for (let pass = 0; pass < MAX_PASSES && left(rotation) > 0 && !stop.aborted; pass++) {
    rotation.unreadable = noneUnreadable();
    await runPass(vault, keyring, rotation, stop);
    rotation.keys = useOf(keyring, await withRetries(() => readInventory(vault), stop));
  }
  return rotation;
}

/** How many credentials under previous keys could be re-sealed and are not. */
export function left({ keys, unreadable }: Pick<Rotation, "keys" | "unreadable">): number {
  return Math.max(0, total(keys, "previous") - unreadable.count);
}

/** The JSON text that a row seals, or undefined when it does not open under its key. */
export async function tryOpen(keyring: Keyring, credential: SealedCredential): Promise<string | undefined> {
  const { encrypted_credentials, encryption_key_id } = credential;
  try {
    return await open(keyring, rowOf(credential), encrypted_credentials, encryption_key_id);
  } catch (error) {
    if (error instanceof ApiError && error.code === "credential_unreadable") return undefined;
    throw error;
  }
}

async function runPass(vault: ProjectAccess, keyring: Keyring, rotation: Rotation, stop: AbortSignal): Promise<void> {
  const progress = startProgress("re-sealing", total(rotation.keys, "previous"));
  try {
    for (const key of rotation.keys.filter(({ state, credentials }) => state === "previous" && credentials > 0)) {
      for await (const page of readSealedPages(vault, key.id, stop)) {
        const batch = await resealPage(keyring, page, rotation.unreadable);
        if (batch.length > 0) rotation.resealed += await swapSealed(vault, batch, rotation.requestId, stop);
        progress.add(page.length);
      }
    }
  } finally {
    progress.end();
  }
}

async function resealPage(
  keyring: Keyring,
  page: SealedCredential[],
  unreadable: UnreadableList,
): Promise<Swap[]> {
  const batch: Swap[] = [];
  // One by one: opening and sealing takes less than reading and swapping, and each in flight takes a thread.
  for (const credential of page) {
    const json = await tryOpen(keyring, credential);
    if (json === undefined) {
      addUnreadable(unreadable, credential, ALTERED);
      continue;
    }
    const { sealed, keyId } = await seal(keyring, rowOf(credential), json);
    const expected = credential.encrypted_credentials;
    batch.push({ id: credential.id, expected, encrypted_credentials: sealed, encryption_key_id: keyId });
  }
  return batch;
}

function noneUnreadable(): UnreadableList {
  return { count: 0, named: [] };
}
