/** Credentials that could not be opened: their row and the reason, never their value. */

import { count, table } from "../../cli/output.ts";
import type { SealedCredential } from "./sealed_credentials.ts";

export const ALTERED = "altered, or moved from another row";
export const NOT_CONFIGURED = "its encryption key is not configured";

/** The list names at most this many and counts the rest, so that memory use stays flat. */
const MAX_NAMED = 1000;

export interface Unreadable {
  id: string;
  tenant_id: string;
  service: string;
  credential_type: string;
  encryption_key_id: string;
  reason: string;
}

export interface UnreadableList {
  count: number;
  named: Unreadable[];
}

export function addUnreadable(list: UnreadableList, credential: SealedCredential, reason: string): void {
  list.count += 1;
  if (list.named.length >= MAX_NAMED) return;
  const { id, tenant_id, service, credential_type, encryption_key_id } = credential;
  list.named.push({ id, tenant_id, service, credential_type, encryption_key_id, reason });
}

/** A table of the named credentials, and how many more there are. Empty when all could be opened. */
export function describeUnreadable({ count: all, named }: UnreadableList): string[] {
  if (all === 0) return [];
  const headings = ["ID", "TENANT", "SERVICE", "TYPE", "ENCRYPTION KEY", "REASON"];
  const rows = named.map((row) => [
    row.id,
    row.tenant_id,
    row.service,
    row.credential_type,
    row.encryption_key_id,
    row.reason,
  ]);
  const more = all - named.length;
  return [...table(headings, rows, ""), ...(more > 0 ? [`… and ${count(more, "more credential")}`] : []), ""];
}
