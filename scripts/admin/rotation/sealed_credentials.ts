/** Reads the vault's sealed rows of all tenants, one page at a time, and swaps them for re-sealed ones. */

import * as z from "zod/mini";
import type { SealedRow } from "shared/crypto/seal.ts";
import { callVault, type ProjectAccess } from "../client/connection/call.ts";
import { withRetries } from "../client/connection/retry.ts";

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

/** New sealed bytes for a row, which replace the old ones only if these are still as expected. Bytes are base64. */
export type Swap = {
  id: string;
  expected: string;
  encrypted_credentials: string;
  encryption_key_id: string;
};

/** The row's identity, which its sealed bytes authenticate as additional data. */
export function rowOf({ tenant_id, service, credential_type }: SealedCredential): SealedRow {
  return { tenantId: tenant_id, service, credentialType: credential_type };
}

/** The pages of rows under one key, by id. Reads one page ahead, so memory holds at most two pages. */
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
    // Nobody awaits this page when the work on the page before fails.
    page.catch(() => {});
    return page;
  };
  let next = read();
  while (!stop.aborted) {
    const page = await next;
    const last = page.at(-1);
    if (last === undefined) return;
    next = read(last.id);
    yield page;
  }
}

/** Returns how many rows were swapped. Does not count the rows of a call whose answer was lost. */
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
