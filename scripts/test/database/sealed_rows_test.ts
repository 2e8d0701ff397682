/** A sealed row that was altered in the database does not open, whichever bound column was altered. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import postgres from "postgres";
import { ApiError } from "shared/api_error.ts";
import { importKeyring } from "shared/crypto/keyring.ts";
import { open, seal } from "shared/crypto/seal.ts";
import { openCluster } from "../support/cluster.ts";
import { call, openFixture, type TestTenant } from "../suites/isolation.ts";

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

const keyring = await importKeyring(crypto.getRandomValues(new Uint8Array(32)), []);
const VALUE = '{"api_key":"x"}';

/** The columns that a value is bound to, and the bytes of each. The test flips the lowest bit of each byte in turn. */
const COLUMNS = {
  encrypted_credentials: 12 + VALUE.length + 16,
  tenant_id: 36,
  service: 6,
  credential_type: 7,
  encryption_key_id: 16,
};

const FLIP = {
  bytea: "set_byte(COLUMN, POSITION, get_byte(COLUMN, POSITION) # 1)",
  text: "convert_from(set_byte(convert_to(COLUMN, 'UTF8'), POSITION, " +
    "get_byte(convert_to(COLUMN, 'UTF8'), POSITION) # 1), 'UTF8')",
};

Deno.test("a credential opens as stored, and does not open with any byte of its bound columns flipped", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject("key-vault-executor"), "key-vault-executor");
  const { sql, owner, a } = fixture;
  try {
    // The decryption must refuse the row, so the database must not refuse it first.
    await owner`alter table public.tenant_credentials disable trigger credential_form`;
    await owner`drop policy "what runs for a tenant records acts of agents and kernels" on public.credential_events`;
    const id = await store(sql, a);
    assertEquals(await read(sql, a, id), VALUE);
    const [before] = await owner`select * from public.tenant_credentials`;
    for (const [column, bytes] of Object.entries(COLUMNS)) {
      for (let position = 0; position < bytes; position++) {
        await flip(owner, column, position);
        const [altered] = await owner`select * from public.tenant_credentials`;
        const label = `${column}, byte ${position}`;
        assertNotEquals(altered?.[column], before?.[column], label);
        const reader = { ...a, caller: { ...a.caller, tenant_id: altered?.tenant_id } };
        assert(await read(sql, reader, id).catch((error) => error) instanceof ApiError, label);
        await flip(owner, column, position);
      }
      assert(await flip(owner, column, bytes).catch((error) => error) instanceof postgres.PostgresError, column);
    }
    assertEquals(await read(sql, a, id), VALUE);
  } finally {
    await fixture.close();
  }
});

async function store(sql: postgres.Sql, { id, caller }: TestTenant): Promise<string> {
  const row = { tenantId: id, service: "amazon", credentialType: "api_key" };
  const { sealed, keyId } = await seal(keyring, row, VALUE);
  const credential = { service: "amazon", credential_type: "api_key", encrypted_credentials: sealed };
  return (await call(sql, "store_credential", caller, { ...credential, encryption_key_id: keyId })).credential_id;
}

/** Opens a row like the retrieve endpoint. @throws {ApiError} if it does not open */
async function read(sql: postgres.Sql, { caller }: TestTenant, id: string): Promise<string> {
  const selector = { credential_id: id, encryption_key_ids: keyring.ids };
  const found = await call(sql, "retrieve_credential", caller, selector).catch((error) => {
    if (error instanceof postgres.PostgresError && error.code === "PT409") throw new ApiError("unavailable", "no key");
    throw new Error(`the database failed: ${error}`);
  });
  const row = { tenantId: String(caller.tenant_id), service: found.service, credentialType: found.credential_type };
  return await open(keyring, row, found.encrypted_credentials, found.encryption_key_id);
}

async function flip(owner: postgres.Sql, column: string, position: number): Promise<void> {
  const expression = FLIP[column === "encrypted_credentials" ? "bytea" : "text"];
  await owner.unsafe(
    `update public.tenant_credentials
     set ${column} = ${expression.replaceAll("COLUMN", column).replaceAll("POSITION", String(position))}
     where true`,
  );
}
