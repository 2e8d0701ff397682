/** `stack.json`: the addresses and keys of a stack's projects, for tools and tests. */

import type { SeededOrganization } from "./keys.ts";

export interface ProjectAddress {
  url: string;
  secret_key: string;
  publishable_key: string;
  /** For psql. Null on PGlite, which has no port. */
  database_url: string | null;
}

export interface StackFile {
  governance_hub: ProjectAddress;
  key_vault_executor: ProjectAddress;
  /** Where MCP clients connect. */
  gateway: { url: string };
  /** Null without an Executor. `servers` is the folder for scripts that tenants may register. */
  executor: { url: string; servers: string } | null;
  organizations: SeededOrganization[];
  kernel_hmac_secret: string;
  credential_encryption_key: string;
  /** The pair of the hub's decisions: what the hub signs with, and what the vault and an Executor verify with. */
  decision_signing_key: string;
  decision_verify_keys: string;
}
