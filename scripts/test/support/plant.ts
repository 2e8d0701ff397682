/** Rows that no endpoint writes. */

import { assertEquals } from "@std/assert";
import { PostgrestClient } from "@supabase/postgrest-js";
import { encodeBase64 } from "@std/encoding/base64";
import { decodeHex } from "@std/encoding/hex";
import { encryptionKeyId } from "shared/crypto/keyring.ts";
import { stack } from "./client.ts";

/** Writes bytes into a tenant's row without the endpoints, as a holder of the vault's secret key can. */
export async function plant(tenantId: string, service: string, sealed: Uint8Array, keyId?: string): Promise<void> {
  const { url, secret_key } = stack.key_vault_executor;
  const { error } = await new PostgrestClient(`${url}/rest/v1`, { headers: { apikey: secret_key } })
    .rpc("store_credential", {
      caller: { tenant_id: tenantId, kind: "agent", id: crypto.randomUUID(), scopes: ["credentials:write"] },
      credential: {
        service,
        credential_type: "api_key",
        encrypted_credentials: encodeBase64(sealed),
        encryption_key_id: keyId ?? await encryptionKeyId(decodeHex(stack.credential_encryption_key)),
      },
    });
  assertEquals(error, null);
}
