/**
 * Re-seals credentials that are not under the current key. Reads, opens and seals one batch at a time, and swaps it in
 * one transaction. The swap skips rows whose sealed bytes changed after the read: a concurrent store wins. Each batch
 * is final, so a run can stop at any point and be repeated.
 */

import { ApiError } from "shared/api_error.ts";
import type { Keyring } from "shared/crypto/keyring.ts";
import { open, seal } from "shared/crypto/seal.ts";
import type { ProjectAccess } from "../client/connection/call.ts";
import { type KeyUse, total, useOf } from "./encryption_keys.ts";
import { startProgress } from "../../cli/progress.ts";
import { readStatus } from "../client/project_status.ts";
import { withRetries } from "../client/connection/retry.ts";
import { readSealedPages, rowOf, type SealedCredential, type Swap, swapSealed } from "./sealed_credentials.ts";
import { addUnreadable, ALTERED, type UnreadableList } from "./unreadable.ts";

/** Later passes re-seal what was stored under an old key during the pass before. */
const MAX_PASSES = 3;

export interface Rotation {
  /** The request id of all events of the run. */
  requestId: string;
  resealed: number;
  unreadable: UnreadableList;
  /** The keys at the end of the run. */
  keys: KeyUse[];
}

export async function readInventory(vault: ProjectAccess): Promise<{ id: string; credentials: number }[]> {
  return (await readStatus("key-vault-executor", vault)).encryption_keys ?? [];
}

/** Ends after the current batch when `stop` is aborted. */
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

/** How many readable credentials are still under previous keys. */
export function left({ keys, unreadable }: Pick<Rotation, "keys" | "unreadable">): number {
  return Math.max(0, total(keys, "previous") - unreadable.count);
}

/** The row's JSON text, or undefined when it does not open under its key. */
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
  // Not in parallel: opening and sealing take less time than reading and swapping, and each would occupy a thread.
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
