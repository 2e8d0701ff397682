import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  admin,
  adminOnTerminal,
  assertNothingSecretPrinted,
  fail,
  HOSTED,
  NEW_KEY,
  OLD_KEY,
  send,
  vaultSql,
} from "../../../test/support/admin/program.ts";
import {
  adminWithOldKey,
  apiKey,
  findWrong,
  KEYS,
  LOST_ID,
  LOST_KEY,
  NEW_ID,
  OLD_ID,
  readRows,
  refill,
  rotate,
  tenantId,
  valueOf,
  withProxy,
} from "../../../test/support/admin/vault.ts";

Deno.test("rotate-key re-seals credentials under a previous key in batches, and their values stay the same", async () => {
  await refill({ [OLD_KEY]: 1203, [NEW_KEY]: 2 });
  const before = await readRows();
  const { code, out, err } = await rotate();
  assertEquals([code, err], [0, ""]);
  assertEquals(
    out,
    `The current key is ${NEW_ID}.
Re-sealed 1,203 credentials.

1,205 credentials under ${NEW_ID}: the current key
0 credentials left under ${OLD_ID}: you can remove this key from CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS
`,
  );
  assertEquals(await findWrong(NEW_ID), []);
  const after = await readRows();
  assertEquals(
    after.map(({ id, updated_at }) => [id, updated_at]),
    before.map(({ id, updated_at }) => [id, updated_at]),
  );
  const changed = after.filter(({ sealed }, index) => sealed !== before[index]?.sealed);
  assertEquals(changed.length, 1203);
  for (const service of ["1a-0", "1a-1202", "2b-1"]) {
    const response = await send(apiKey, "credentials/retrieve", { service });
    assertEquals([response.status, (await response.json()).data.credentials], [200, valueOf(service)], service);
  }
});

Deno.test("rotate-key asks before it uses a key for the first time, and changes nothing without an answer", async () => {
  await refill({ [OLD_KEY]: 2 });
  const before = await readRows();
  const { code, err } = await adminWithOldKey("rotate-key");
  assertEquals([code, err], [1, "error: nothing was changed: there is no terminal to ask on; use --yes\n"]);
  assertEquals(await readRows(), before);
  await refill({ [OLD_KEY]: 2, [NEW_KEY]: 1 });
  assertEquals((await adminWithOldKey("rotate-key")).code, 0);
});

Deno.test("rotate-key --json reports what it did, and records it under one request id", async () => {
  await refill({ [OLD_KEY]: 600 });
  const { code, out, err } = await rotate("--json");
  const { request_id, ...answer } = JSON.parse(out);
  assertEquals(code, 0);
  assertEquals(answer, {
    dry_run: false,
    stopped: false,
    current: NEW_ID,
    to_reseal: 600,
    resealed: 600,
    unreadable_count: 0,
    unreadable: [],
    encryption_keys: [
      { id: NEW_ID, credentials: 600, state: "current" },
      { id: OLD_ID, credentials: 0, state: "previous" },
    ],
  });
  assertMatch(
    err,
    new RegExp(`^The current key is ${NEW_ID}\\.\nNo credential is under it yet\\. .* answers 503 .*\n$`),
  );
  const events = await vaultSql`
    select count(*)::integer as n, count(distinct credential_id)::integer as credentials, min(actor_kind) as kind
    from public.credential_events where action = 'rotate' and request_id = ${request_id}`;
  assertEquals({ ...events[0] }, { n: 600, credentials: 600, kind: "operator" });
});

Deno.test("rotate-key with nothing to re-seal says so, and changes nothing", async () => {
  await refill({ [NEW_KEY]: 3 });
  const before = await readRows();
  const { code, out, err } = await rotate();
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^There is nothing to re-seal\.\n\n3 credentials under /);
  assertEquals(await readRows(), before);
});

Deno.test("rotate-key --dry-run shows what it would do, and changes nothing", async () => {
  await refill({ [OLD_KEY]: 12, [NEW_KEY]: 1 });
  const before = await readRows();
  const { code, out, err } = await rotate("--dry-run");
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^Would re-seal 12 credentials; nothing was changed\.$/m);
  assertMatch(out, new RegExp(`^12 credentials left under ${OLD_ID}: a previous key, still needed$`, "m"));
  const { dry_run, request_id, to_reseal, resealed } = JSON.parse((await rotate("--dry-run", "--json")).out);
  assertEquals([dry_run, request_id, to_reseal, resealed], [true, null, 12, 0]);
  assertEquals(await readRows(), before);
});

Deno.test("rotate-key skips and names credentials that do not open, re-seals the others, and exits with 1", async () => {
  await refill({ [OLD_KEY]: 20 });
  const [altered, moved] = await vaultSql`
    update public.tenant_credentials as credential
    set encrypted_credentials = case service
      when '1a-3' then set_byte(encrypted_credentials, 20, get_byte(encrypted_credentials, 20) # 1)
      else (select other.encrypted_credentials from public.tenant_credentials as other where other.service = '1a-7')
    end
    where service in ('1a-3', '1a-5')
    returning id, tenant_id, service, credential_type, encryption_key_id`;
  const before = await readRows();
  const { code, out, err } = await rotate("--json");
  const { resealed, unreadable_count, unreadable } = JSON.parse(out);
  assertEquals([code, resealed, unreadable_count], [1, 18, 2]);
  const reason = "altered, or moved from another row";
  const named = (rows: unknown[]) => rows.map((row) => JSON.stringify(Object.entries(row ?? {}).sort())).sort();
  assertEquals(named(unreadable), named([{ ...altered, reason }, { ...moved, reason }]));
  assertMatch(
    err,
    /^error: not every credential is under the current key: 2 credentials cannot be opened: store them again$/m,
  );
  const after = await readRows();
  for (const service of ["1a-3", "1a-5"]) {
    const find = (rows: typeof before) => rows.find((row) => row.service === service);
    assertEquals(find(after), find(before), service);
  }
  assertEquals(await findWrong(NEW_ID), ["1a-3", "1a-5"]);

  const again = await rotate();
  assertEquals(again.code, 1);
  assertMatch(again.out, new RegExp(`^${altered?.id} +${tenantId} +1a-\\d +api_key +${OLD_ID} +${reason}$`, "m"));
  assertMatch(again.out, /^Re-sealed 0 credentials\.$/m);
});

Deno.test("rotate-key counts and names keys that are not configured, skips their credentials, and exits with 1", async () => {
  await refill({ [LOST_KEY]: 4, [OLD_KEY]: 2 });
  const { code, out, err } = await rotate();
  assertEquals(code, 1);
  assertMatch(out, /^Re-sealed 2 credentials\.$/m);
  assertMatch(out, new RegExp(`^4 credentials left under ${LOST_ID}: not configured; `, "m"));
  assertMatch(
    err,
    new RegExp(`^error: not every .*: 4 credentials under ${LOST_ID}, not configured: add .*PREVIOUS_KEYS`),
  );
  const lost = (await readRows()).filter(({ encryption_key_id }) => encryption_key_id === LOST_ID);
  assertEquals(lost.length, 4);
  const dry = await rotate("--dry-run", "--json");
  assertEquals([dry.code, JSON.parse(dry.out).encryption_keys.at(-1)], [
    1,
    { id: LOST_ID, credentials: 4, state: "not configured" },
  ]);
});

Deno.test("rotate-key reads keys only from the env file when there is one", async () => {
  await refill({ [OLD_KEY]: 2 });
  const path = await Deno.makeTempFile();
  try {
    const lines = Object.entries(KEYS).map(([name, value]) => `export ${name}="${value}"`);
    await Deno.writeTextFile(path, lines.join("\n"));
    const wrong = { CREDENTIAL_ENCRYPTION_KEY: LOST_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: "wrong" };
    const { code, err } = await admin(["rotate-key", "--yes", "--env-file", path], wrong);
    assertEquals([code, err], [0, ""]);
    assertEquals(await findWrong(NEW_ID), []);
    await Deno.writeTextFile(path, "OTHER=1\n");
    await fail(["rotate-key", "--yes", "--env-file", path], /CREDENTIAL_ENCRYPTION_KEY is not set/, KEYS);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("rotate-key refuses keys that are missing or malformed, and shows no value", async () => {
  await refill({ [OLD_KEY]: 1 });
  const before = await readRows();
  const hosted = { ...HOSTED, ...KEYS };
  await fail(["rotate-key", "--yes"], /CREDENTIAL_ENCRYPTION_KEY is not set: it must be 32 bytes.*--env-file/, HOSTED);
  const malformed = { CREDENTIAL_ENCRYPTION_KEY: NEW_KEY.slice(1) };
  await fail(["rotate-key", "--yes"], /^error: CREDENTIAL_ENCRYPTION_KEY is malformed: it must be 32 bytes[^;]*\n$/, {
    ...hosted,
    ...malformed,
  });
  await fail(["rotate-key", "--yes"], /CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS is malformed: .*entry 2 is malformed/, {
    ...hosted,
    CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: `${OLD_KEY},${OLD_KEY.slice(1)}`,
  });
  await fail(["rotate-key", "--yes", "--env-file", "/nowhere"], /\/nowhere cannot be read/);
  await fail(["rotate-key", "--yes", "now"], /too many arguments/);
  const begun = performance.now();
  await fail(["rotate-key", "--yes"], /key-vault-executor does not answer/, {
    ...hosted,
    VAULT_URL: "http://127.0.0.1:1",
  });
  assert(performance.now() - begun < 4000, "a wrong address is reported at once");
  await withProxy(
    () => Promise.resolve(new Response("upstream", { status: 503 })),
    (url) => fail(["rotate-key", "--yes"], /is not available \(status 503\); try again/, { ...hosted, VAULT_URL: url }),
  );
  assertEquals(await readRows(), before);
});

Deno.test({
  name: "rotate-key redraws one line of progress on a terminal",
  // util-linux's `script` gives a program a terminal.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await refill({ [OLD_KEY]: 1100 });
    const shown = await withProxy(async (name, forward) => {
      if (name !== "reseal_credentials") return;
      const response = await forward();
      await new Promise((resolve) => setTimeout(resolve, 150));
      return response;
    }, async (url) => {
      const process = adminOnTerminal(["rotate-key", "--yes"], { ...HOSTED, ...KEYS, VAULT_URL: url });
      const { code, stdout } = await process.output();
      await process.stdin.close().catch(() => {});
      assertEquals(code, 0);
      return new TextDecoder().decode(stdout).replaceAll("\r\x1b[K", "<redraw>");
    });
    assertMatch(shown, /<redraw>re-sealing █{9}░{11} 500\/1,100 45% [\d,]+\/s \d:\d\d left<redraw>/);
    assertMatch(shown, /<redraw>Re-sealed 1,100 credentials\./);
  },
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
