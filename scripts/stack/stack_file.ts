/** `stack.json`: where a stack's projects are, and the keys to them; for tools and tests. */

import type { SeededOrganization } from "./keys.ts";

export interface ProjectAddress {
  url: string;
  secret_key: string;
  publishable_key: string;
  /** For psql; null on PGlite, which has no port. */
  database_url: string | null;
}

/** What `stack.json` holds. */
export interface StackFile {
  governance_hub: ProjectAddress;
  key_vault_executor: ProjectAddress;
  organizations: SeededOrganization[];
  kernel_hmac_secret: string;
  credential_encryption_key: string;
}
