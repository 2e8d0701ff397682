/** The sealed rows of the vault, of all tenants: read a page at a time, and swapped for re-sealed ones. */

import * as z from "zod/mini";
import type { SealedRow } from "shared/crypto/seal.ts";
import { callVault, type ProjectAccess } from "../client/call.ts";
import { collectGarbageAfter } from "./collect_garbage.ts";
import { withRetries } from "../client/retry.ts";

const sealedCredential = z.object({
  id: z.string(),
  tenant_id: z.string(),
  service: z.string(),
  credential_type: z.string(),
  /** Base64. */
  encrypted_credentials: z.string(),
  encryption_key_id: z.string(),
});

export type SealedCredential = z.output<typeof sealedCredential>;

/** What is put in the place of a row's sealed bytes, as long as they are still the expected ones. Bytes as base64. */
export type Swap = {
  id: string;
  expected: string;
  encrypted_credentials: string;
  encryption_key_id: string;
};

/** What the additional data of a row's sealed bytes names. */
export function rowOf({ tenant_id, service, credential_type }: SealedCredential): SealedRow {
  return { tenantId: tenant_id, service, credentialType: credential_type };
}

/** The pages of the rows under one key, by id. A page is read while the one before is worked on: two are held at most. */
export async function* readSealedPages(
  vault: ProjectAccess,
  keyId: string,
  stop: AbortSignal,
): AsyncGenerator<SealedCredential[]> {
  const read = (after?: string) => {
    const filter = { encryption_key_id: keyId, after };
    const page = withRetries(
      () => callVault(vault, "list_sealed_credentials", { filter }, z.array(sealedCredential)),
      stop,
    );
    // It is awaited later, or never when the work on the page before fails.
    page.catch(() => {});
    return page;
  };
  let next = read();
  for (let pages = 1; !stop.aborted; pages++) {
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    next = read(last.id);
    yield page;
    collectGarbageAfter(pages);
  }
}

/** Returns how many rows were still as expected, and are swapped: without those of a call whose answer was lost. */
export async function swapSealed(
  vault: ProjectAccess,
  batch: Swap[],
  requestId: string,
  stop: AbortSignal,
): Promise<number> {
  const answer = z.object({ resealed: z.number() });
  const swap = () => callVault(vault, "reseal_credentials", { batch, request_id: requestId }, answer);
  return (await withRetries(swap, stop)).resealed;
}
