import { assertEquals, assertMatch } from "@std/assert";
import {
  admin,
  assertNothingSecretPrinted,
  fail,
  HOSTED,
  NEW_KEY,
  OLD_KEY,
  type Ran,
  vaultSql,
} from "../../../test/support/admin/program.ts";
import {
  adminWithOldKey,
  KEYS,
  LOST_ID,
  LOST_KEY,
  NEW_ID,
  OLD_ID,
  readRows,
  refill,
  rotate,
  tenantId,
  withProxy,
} from "../../../test/support/admin/vault.ts";

const OTHER_TENANT = crypto.randomUUID();

function verify(...words: string[]): Promise<Ran> {
  return adminWithOldKey("credential", "verify", ...words);
}

/** Alters one row, and moves another to a tenant that the hub does not have. */
async function damage(): Promise<{ altered: string; moved: string }> {
  const [altered] = await vaultSql`
    update public.tenant_credentials set encrypted_credentials = set_byte(encrypted_credentials, 0,
      get_byte(encrypted_credentials, 0) # 1) where service = '2b-1' returning id`;
  const [moved] = await vaultSql`
    update public.tenant_credentials set tenant_id = ${OTHER_TENANT} where service = '1a-1' returning id`;
  return { altered: altered?.id, moved: moved?.id };
}

Deno.test("credential verify opens every credential under every key, and exits with 0", async () => {
  await refill({ [OLD_KEY]: 700, [NEW_KEY]: 3 });
  const before = await readRows();
  const { code, out, err } = await verify();
  assertEquals([code, err], [0, ""]);
  assertEquals(
    out,
    `703 credentials opened, 0 could not be opened.

3 credentials under ${NEW_ID}: the current key
700 credentials left under ${OLD_ID}: a previous key, still needed
`,
  );
  assertEquals(JSON.parse((await verify("--json")).out), {
    stopped: false,
    opened: 703,
    unreadable_count: 0,
    unreadable: [],
    encryption_keys: [
      { id: NEW_ID, credentials: 3, state: "current" },
      { id: OLD_ID, credentials: 700, state: "previous" },
    ],
  });
  assertEquals(await readRows(), before);
});

Deno.test("credential verify names credentials that do not open and why, and exits with 1", async () => {
  await refill({ [OLD_KEY]: 2, [NEW_KEY]: 3, [LOST_KEY]: 1 });
  const { altered, moved } = await damage();
  const [lost] = await vaultSql`select id from public.tenant_credentials where service = '3c-0'`;
  const { code, out, err } = await verify("--json");
  const { opened, unreadable_count, unreadable } = JSON.parse(out);
  assertEquals([code, opened, unreadable_count], [1, 3, 3]);
  assertMatch(err, /^error: 3 credentials cannot be opened\n$/);
  const expected = {
    [altered]: [tenantId, "2b-1", NEW_ID, "altered, or moved from another row"],
    [moved]: [OTHER_TENANT, "1a-1", OLD_ID, "altered, or moved from another row"],
    [lost?.id]: [tenantId, "3c-0", LOST_ID, "its encryption key is not configured"],
  };
  const found = Object.fromEntries(
    unreadable.map((row: Record<string, string>) => [
      row.id,
      [row.tenant_id, row.service, row.encryption_key_id, row.reason],
    ]),
  );
  assertEquals(found, expected);
  const shown = await verify();
  assertMatch(
    shown.out,
    new RegExp(`^${altered} +${tenantId} +2b-1 +api_key +${NEW_ID} +altered, or moved from another row$`, "m"),
  );
});

Deno.test("credential verify of one tenant reports only its credentials, even if the hub no longer has it", async () => {
  await refill({ [OLD_KEY]: 2, [NEW_KEY]: 3 });
  const { moved } = await damage();
  const one = await verify("acme-shop", "--json");
  assertEquals([one.code, JSON.parse(one.out).opened, JSON.parse(one.out).unreadable_count], [1, 3, 1]);
  const gone = JSON.parse((await verify(OTHER_TENANT.toUpperCase(), "--json")).out);
  assertEquals([gone.opened, gone.unreadable.map(({ id }: { id: string }) => id)], [0, [moved]]);
  const other = await verify("globex-main", "--json");
  assertEquals([other.code, JSON.parse(other.out).opened], [0, 0]);
  await fail(["credential", "verify", "nobody"], /there is no tenant "nobody"/);
});

Deno.test("credential verify names a thousand credentials and counts all", async () => {
  await refill({ [LOST_KEY]: 1003 });
  const { unreadable_count, unreadable } = JSON.parse((await verify("--json")).out);
  assertEquals([unreadable_count, unreadable.length], [1003, 1000]);
  assertMatch((await verify()).out, /^… and 3 more credentials$/m);
});

Deno.test("credential verify misses no credential that a concurrent rotation moves to the current key", async () => {
  await refill({ [OLD_KEY]: 3, [NEW_KEY]: 1 });
  await damage();
  let calls = 0;
  const { code, out } = await withProxy(async (name, forward) => {
    // The first two calls read the first key's page and its end.
    if (name !== "list_sealed_credentials" || ++calls !== 3) return;
    const rotated = await rotate();
    assertEquals(rotated.code, 1);
    return await forward();
  }, (url) => admin(["credential", "verify", "--json"], { ...HOSTED, ...KEYS, VAULT_URL: url }));
  // Moved credentials are opened once under each key.
  assertEquals([code, JSON.parse(out).opened, JSON.parse(out).unreadable_count], [1, 5, 1]);
});

Deno.test("credential verify refuses keys that are missing or malformed, and shows no value", async () => {
  const words = ["credential", "verify"];
  await fail(words, /CREDENTIAL_ENCRYPTION_KEY is not set/, HOSTED);
  await fail(words, /CREDENTIAL_ENCRYPTION_KEY is malformed/, { CREDENTIAL_ENCRYPTION_KEY: NEW_KEY.slice(2) });
  await fail([...words, "--env-file", "/nowhere"], /\/nowhere cannot be read/);
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
