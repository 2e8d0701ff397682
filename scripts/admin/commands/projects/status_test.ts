import { assertEquals, assertMatch } from "@std/assert";
import {
  admin,
  assertNothingSecretPrinted,
  fill,
  HOSTED,
  hubSql,
  json,
  NEW_KEY,
  newTenant,
  OLD_KEY,
  text,
  vaultSql,
} from "../../../test/support/admin/program.ts";

Deno.test("status shows migrations, counts and credentials by encryption key, and exits with 0", async () => {
  await vaultSql`delete from public.tenant_credentials where true`;
  const tenant = await newTenant("counted");
  await fill(tenant.key, "a");
  const status = await json("status");
  assertEquals([status.ok, status.governance_hub.reachable, status.key_vault_executor.reachable], [true, true, true]);
  const { migrations, counts, tenant_scope } = status.governance_hub.status;
  assertEquals(migrations.slice(0, 3), ["20260222000000", "20260223000000", "20260224000000"]);
  assertEquals(tenant_scope, { superuser: false, bypassrls: false, login: false });
  const [expected] = await hubSql`
    select (select count(*) from public.organizations)::integer as organizations,
      (select count(*) from public.tenants)::integer as tenants,
      (select count(*) from public.tenant_mcp_servers)::integer as servers,
      (select count(*) from public.api_keys where revoked_at is null)::integer as live_api_keys,
      (select count(*) from public.kernels where revoked_at is null)::integer as live_kernels`;
  assertEquals(counts, { ...expected });
  const [credentials] = await vaultSql`select count(*)::integer as n from public.tenant_credentials`;
  const inVault = status.key_vault_executor.status;
  assertEquals(inVault.counts, { credentials: credentials?.n });
  assertEquals(inVault.encryption_keys.length, 1);
  assertMatch(inVault.encryption_keys[0].id, /^[0-9a-f]{16}$/);
  assertEquals(inVault.encryption_keys[0].state, "current");

  const shown = await text("status");
  assertMatch(shown, /^ {2}migrations {4}20260222000000, 20260223000000, 20260224000000/m);
  assertMatch(
    shown,
    new RegExp(`^  encryption key ${inVault.encryption_keys[0].id}: ${credentials?.n} credential`, "m"),
  );
  assertMatch(shown, /^ {2}✓ all checks pass$/m);
});

Deno.test("status marks only the current and previous keys that the environment has", async () => {
  const [key] = (await json("status")).key_vault_executor.status.encryption_keys;
  const marked = async (env: Record<string, string>) => {
    const { code, out, err } = await admin(["status"], env);
    assertEquals([code, err], [0, ""]);
    return new RegExp(`^  encryption key ${key.id}: \\d+ credentials?(.*)$`, "m").exec(out)?.[1];
  };
  const previous = { CREDENTIAL_ENCRYPTION_KEY: OLD_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: NEW_KEY };
  assertEquals(await marked({}), " (current)");
  assertEquals(await marked(previous), " (previous)");
  assertEquals(await marked({ ...HOSTED, ...previous }), " (previous)");
  assertEquals(await marked({ ...previous, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: "" }), "");
  assertEquals(await marked({ ...previous, CREDENTIAL_ENCRYPTION_KEY: "malformed" }), "");
  assertEquals(await marked(HOSTED), "");
});

Deno.test("status names each problem, and exits with 1", async () => {
  const failing = async (change: string, restore: string, expected: RegExp, sql = hubSql) => {
    await sql.unsafe(change);
    const [shown, asJson] = await Promise.all([admin(["status"]), admin(["status", "--json"])]);
    await sql.unsafe(restore);
    assertEquals([shown.code, asJson.code, JSON.parse(asJson.out).ok], [1, 1, false]);
    assertMatch(shown.err, /^error: there are problems: [^\n]+\n$/);
    assertMatch(shown.err, expected);
    assertMatch(shown.out, /^ {2}✗ /m);
  };
  await failing(
    "delete from supabase_migrations.schema_migrations where version = '20260225000000'",
    "insert into supabase_migrations.schema_migrations (version, name) values ('20260225000000', 'add_operator_functions')",
    /governance-hub: migration 20260225000000 is not applied/,
  );
  await failing(
    "alter table supabase_migrations.schema_migrations rename to elsewhere",
    "alter table supabase_migrations.elsewhere rename to schema_migrations",
    /key-vault-executor: the applied migrations are not recorded/,
    vaultSql,
  );
  await failing(
    "alter function public.list_mcp_servers(jsonb, jsonb) owner to postgres",
    `grant create on schema public to tenant_scope;
    alter function public.list_mcp_servers(jsonb, jsonb) owner to tenant_scope;
    revoke create on schema public from tenant_scope`,
    /governance-hub: the function list_mcp_servers does not run as tenant_scope/,
  );
  await failing(
    "alter table public.tenant_credentials disable row level security",
    "alter table public.tenant_credentials enable row level security",
    /key-vault-executor: the table tenant_credentials has no row-level security/,
    vaultSql,
  );
  await failing(
    "alter role tenant_scope bypassrls login",
    "alter role tenant_scope nobypassrls nologin",
    /governance-hub: tenant_scope has bypassrls.*; governance-hub: tenant_scope can log in; key-vault-executor: /,
  );
  const unreachable = await admin(["status", "--json"], { ...HOSTED, VAULT_URL: "http://127.0.0.1:1" });
  const status = JSON.parse(unreachable.out);
  assertEquals([unreachable.code, status.governance_hub.reachable, status.key_vault_executor.reachable], [
    1,
    true,
    false,
  ]);
  assertMatch(unreachable.err, /key-vault-executor: does not answer at http:\/\/127\.0\.0\.1:1; check VAULT_URL/);
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
