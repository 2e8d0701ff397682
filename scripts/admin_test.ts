import { assert, assertEquals, assertMatch } from "@std/assert";
import postgres from "postgres";
import { freePort } from "./stack/ready.ts";
import { startStack } from "./stack/stack.ts";
import { readExpiry } from "./admin/expiry.ts";

const ADMIN = new URL("admin.ts", import.meta.url).pathname;
const SCOPES = ["servers:read", "servers:write", "credentials:read", "credentials:write", "credentials:reveal"];
const PASSWORD = "a value that nobody prints";

const dataDir = await Deno.makeTempDir();
await Deno.chmod(dataDir, 0o711);
const stack = await startStack({
  engine: "postgres",
  dataDir,
  hubPort: freePort(),
  vaultPort: freePort(),
  fresh: true,
  environment: {},
  logPath: `${dataDir}/requests.log`,
  onProgress: () => {},
});
const { governance_hub: hub, key_vault_executor: vault, organizations: [acme, globex] } = stack.file;
assert(acme !== undefined && globex !== undefined);
const hubSql = postgres(hub.database_url ?? "", { max: 1, onnotice: () => {} });
const vaultSql = postgres(vault.database_url ?? "", { max: 1, onnotice: () => {} });
Deno.test.afterAll(async () => {
  await Promise.all([hubSql.end(), vaultSql.end()]);
  await stack.stop();
  await Deno.remove(dataDir, { recursive: true });
});

const HOSTED = {
  HUB_URL: hub.url,
  HUB_SECRET_KEY: hub.secret_key,
  VAULT_URL: vault.url,
  VAULT_SECRET_KEY: vault.secret_key,
  KERNEL_HMAC_SECRET: stack.file.kernel_hmac_secret,
};
const UNSET = Object.fromEntries(Object.keys(HOSTED).map((name) => [name, ""]));

interface Ran {
  code: number;
  out: string;
  err: string;
}

/** What every command of this file has printed. */
const printed: string[] = [];

/** Runs the command as a user does, on the stack, without a terminal. */
async function admin(words: string[], env: Record<string, string> = {}): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--cached-only", ADMIN, "--stack", stack.path, ...words],
    env: { ...UNSET, NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const ran = { code, out: out ?? "", err: err ?? "" };
  printed.push(ran.out, ran.err);
  return ran;
}

/** Runs a command that is to succeed, and returns what it printed. */
async function text(...words: string[]): Promise<string> {
  const { code, out, err } = await admin(words);
  assertEquals([code, err], [0, ""], words.join(" "));
  return out;
}

// deno-lint-ignore no-explicit-any -- tests compare what came, whatever it is
async function json(...words: string[]): Promise<any> {
  return JSON.parse(await text(...words, "--json"));
}

/** Runs a command that is to fail, with one line on standard error and nothing on standard output. */
async function fail(words: string[], expected: RegExp, env?: Record<string, string>): Promise<void> {
  const { code, out, err } = await admin(words, env);
  assertEquals([code, out], [1, ""], `${words.join(" ")}: ${err}`);
  assertMatch(err, /^error: [^\n]+\n$/);
  assertMatch(err, expected);
}

/** The status of a request with that key. */
async function request(key: string, path: string, body?: unknown): Promise<number> {
  const { url } = path.startsWith("credentials") ? vault : hub;
  const response = await fetch(`${url}/functions/v1/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(key.startsWith("mcp_") ? { "x-api-key": key } : { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  return response.status;
}

function server(serverId: string) {
  return {
    server_id: serverId,
    name: serverId,
    command: "npx",
    args: ["-y", "secret-arg"],
    tool_prefix: `${serverId}.`,
  };
}

async function fill(key: string, name: string): Promise<void> {
  assertEquals(await request(key, "mcp-servers/register", server(name)), 201);
  const credential = { service: name, credentials: { password: PASSWORD } };
  assertEquals(await request(key, "credentials/store", credential), 201);
}

/** A new organization with a tenant and a key for it. */
async function newTenant(name: string) {
  const organization = await json("organization", "create", `of-${name}`);
  const tenant = await json("tenant", "create", organization.id, name);
  const { key } = await json("api-key", "issue", tenant.id, "--name", "agent");
  return { id: tenant.id as string, name, organization: organization.name as string, key: key as string };
}

Deno.test("organization create and list make and show organizations", async () => {
  const created = await json("organization", "create", "initech");
  assertMatch(await text("organization", "create", "hooli"), /^Organization hooli: [0-9a-f-]{36}\n$/);
  const { organizations } = await json("organization", "list");
  assertEquals(Object.keys(organizations[0]), ["id", "name", "created_at"]);
  const names = organizations.map(({ name }: { name: string }) => name);
  assertEquals(["acme", "globex", "hooli", "initech"].every((name) => names.includes(name)), true);
  assertEquals(names, names.toSorted());
  assertMatch(await text("organization", "list"), new RegExp(`^initech +${created.id} +20\\d\\d-`, "m"));
});

Deno.test("tenant create and list take an organization by id and by name", async () => {
  const byName = await json("tenant", "create", "globex", "by-name");
  assertEquals([byName.organization_id, byName.organization_name], [globex.id, "globex"]);
  assertMatch(await text("tenant", "create", globex.id.toUpperCase(), "by-id"), /^Tenant globex\/by-id: /);
  const { tenants } = await json("tenant", "list", "globex");
  const names = tenants.map(({ name }: { name: string }) => name);
  assertEquals(names, ["by-id", "by-name", "globex-main"]);
  assert((await json("tenant", "list")).tenants.length > names.length);
  assertMatch(await text("tenant", "list", "globex"), new RegExp(`^globex +by-name +${byName.id}`, "m"));
});

Deno.test("api-key issue shows a key that works, list what it is without it, and revoke ends it", async () => {
  const name = `agent ${crypto.randomUUID()}`;
  const shown = await text(
    "api-key",
    "issue",
    "acme-shop",
    "--name",
    name,
    "--expires",
    "90d",
    "--scope",
    SCOPES[0] ?? "",
  );
  assertMatch(
    shown,
    /^mcp_\w{49}\n\nThis key is not shown again: keep it now\. .*acme\/acme-shop\.\nid [^\n]*servers:read\n$/,
  );
  const key = shown.slice(0, 53);
  assertEquals(await request(key, "mcp-servers/list"), 200);
  assertEquals(await request(key, "mcp-servers/register", server("unscoped")), 403);

  const { api_keys: [listed, ...others] } = await json("api-key", "list", "acme/acme-shop").then((answer) => ({
    api_keys: answer.api_keys.filter((row: { name: string }) => row.name === name),
  }));
  assertEquals(others, []);
  assertEquals(Object.keys(listed).sort(), [
    "created_at",
    "display_prefix",
    "expires_at",
    "id",
    "last_used_at",
    "name",
    "organization_name",
    "revoked_at",
    "scopes",
    "tenant_id",
    "tenant_name",
  ]);
  assertEquals([listed.display_prefix, listed.scopes, listed.revoked_at], [key.slice(0, 8), ["servers:read"], null]);
  assert(Math.abs(Date.parse(listed.expires_at) - Date.now() - 90 * 86_400_000) < 60_000);
  assert(listed.last_used_at !== null);

  assertEquals(
    await text("api-key", "revoke", listed.id),
    `Revoked: ${listed.id} is refused from the next request on.\n`,
  );
  assertEquals(await request(key, "mcp-servers/list"), 401);
  assertEquals(await json("api-key", "revoke", listed.id), { id: listed.id, revoked: true });
  const table = await text("api-key", "list");
  assertMatch(
    table,
    new RegExp(`^acme/acme-shop +${listed.id} +${key.slice(0, 8)}… +${name} +servers:read +(20\\S+ \\S+ *){4}$`, "m"),
  );
  assertMatch(table, /^globex\/globex-main /m);
  assert(!table.includes(key));
});

Deno.test("api-key issue gives all scopes and no expiry by default, and each scope that is named once", async () => {
  const all = await json("api-key", "issue", globex.tenants[0]?.id ?? "", "--name", "all");
  assertEquals([all.scopes, all.expires_at], [SCOPES, null]);
  assertEquals(await request(all.key, "credentials/list"), 200);
  const words = ["--scope", "credentials:read", "--scope", "servers:write", "--scope", "credentials:read"];
  const some = await json("api-key", "issue", "globex-main", "--name", "some", ...words, "--expires", "2999-01-01");
  assertEquals([some.scopes, some.expires_at], [["credentials:read", "servers:write"], "2999-01-01T00:00:00.000Z"]);
  assertEquals([await request(some.key, "credentials/list"), await request(some.key, "mcp-servers/list")], [200, 403]);
});

Deno.test("kernel issue, list and revoke do the same for the tenants of an organization", async () => {
  const issued = await json("kernel", "issue", "acme", "--name", "production", "--expires", "12h");
  const path = `mcp-servers/list?tenant_id=${acme.tenants[1]?.id}`;
  assertEquals(await request(issued.key, path), 200);
  assertEquals(await request(issued.key, `mcp-servers/list?tenant_id=${globex.tenants[0]?.id}`), 403);
  const { kernels } = await json("kernel", "list", acme.id);
  const listed = kernels.find(({ id }: { id: string }) => id === issued.id);
  assertEquals([listed.name, listed.display_prefix, listed.organization_name], [
    "production",
    issued.key.slice(0, 8),
    "acme",
  ]);
  assert(kernels.every((kernel: { organization_id: string }) => kernel.organization_id === acme.id));
  assertMatch(await text("kernel", "revoke", issued.id), /^Revoked: /);
  assertEquals(await request(issued.key, path), 401);
  assertMatch(
    await text("kernel", "list"),
    new RegExp(`^acme +${issued.id} +${issued.key.slice(0, 8)}… +production +all `, "m"),
  );
  assertMatch(await text("kernel", "issue", "globex", "--name", "shown"), /^krn_\w{49}\n\nThis key is not shown again/);
});

Deno.test("hosted projects are those of the environment, whatever stack.json says", async () => {
  const hosted = await admin(["--stack", "/nowhere", "tenant", "list", "--json"], HOSTED);
  assertEquals([hosted.code, hosted.err], [0, ""]);
  assertEquals(JSON.parse(hosted.out).tenants.length, (await json("tenant", "list")).tenants.length);
  const kernel = await admin(["kernel", "issue", "acme", "--name", "hosted", "--json"], HOSTED);
  const path = `mcp-servers/list?tenant_id=${acme.tenants[0]?.id}`;
  assertEquals(await request(JSON.parse(kernel.out).key, path), 200);
  await fail(["status"], /HUB_URL is set, so set HUB_SECRET_KEY too/, { HUB_URL: hub.url });
  await fail(["status"], /HUB_URL is set, so set VAULT_SECRET_KEY too/, { ...HOSTED, VAULT_SECRET_KEY: "" });
  await fail(["tenant", "list"], /HUB_URL must be an https:\/\/ address/, { ...HOSTED, HUB_URL: "http://example.com" });
  await fail(["kernel", "issue", "acme", "--name", "k"], /set KERNEL_HMAC_SECRET/, {
    ...HOSTED,
    KERNEL_HMAC_SECRET: "",
  });
});

Deno.test("kernel issue revokes the key that a wrong KERNEL_HMAC_SECRET makes useless", async () => {
  const name = crypto.randomUUID();
  const wrong = { ...HOSTED, KERNEL_HMAC_SECRET: "ab".repeat(32) };
  await fail(
    ["kernel", "issue", "globex", "--name", name],
    /no key was issued: the hub has another KERNEL_HMAC_SECRET/,
    wrong,
  );
  const { kernels } = await json("kernel", "list", "globex");
  assert(kernels.find((kernel: { name: string }) => kernel.name === name).revoked_at !== null);
});

Deno.test("server list and credential list show to the end what a tenant has, and no argument and no value", async () => {
  const tenant = await newTenant("many");
  await fill(tenant.key, "first");
  await hubSql`
    insert into public.tenant_mcp_servers (tenant_id, server_id, name, command, args, tool_prefix)
    select ${tenant.id}, 's' || n, 's', 'npx', '{secret-arg}', 's' || n || '.' from generate_series(1, 2000) as n`;
  await vaultSql`
    insert into public.tenant_credentials (tenant_id, service, encrypted_credentials, encryption_key_id)
    select ${tenant.id}, 's' || n, decode(repeat('ab', 40), 'hex'), '00112233aabbccdd' from generate_series(1, 2000) as n`;
  const { servers } = await json("server", "list", "many");
  assertEquals(new Set(servers.map((row: { server_id: string }) => row.server_id)).size, 2001);
  assertEquals(servers.length, 2001);
  assertEquals(servers[0].args, undefined);
  const { credentials } = await json("credential", "list", tenant.id);
  assertEquals(new Set(credentials.map((row: { service: string }) => row.service)).size, 2001);
  assertEquals(Object.keys(credentials[0]).sort(), [
    "created_at",
    "credential_type",
    "encryption_key_id",
    "id",
    "last_used_at",
    "service",
    "updated_at",
  ]);
  assertMatch(await text("server", "list", "of-many/many"), /^of-many\/many +first +first +first\. +yes /m);
  assertMatch(await text("credential", "list", "many"), /^\S{36} +first +api_key +[0-9a-f]{16} +20/m);
  assertEquals(
    (await json("server", "list")).servers.filter((row: { tenant_id: string }) => row.tenant_id === tenant.id).length,
    2001,
  );
  assertEquals(await text("credential", "list", "globex-main"), "It has no credential.\n");

  await text("tenant", "delete", "many", "--yes");
  const [left] =
    await vaultSql`select count(*)::integer as n from public.tenant_credentials where tenant_id = ${tenant.id}`;
  assertEquals(left?.n, 0);
});

Deno.test("tenant delete shows what would go, refuses without a terminal and --yes, and leaves other tenants alone", async () => {
  const [gone, kept] = [await newTenant("gone"), await newTenant("kept")];
  await fill(gone.key, "a");
  await fill(kept.key, "a");
  const refused = await admin(["tenant", "delete", "gone"]);
  assertEquals([refused.code, refused.err], [
    1,
    "error: nothing was deleted: without a terminal to ask on, say --yes\n",
  ]);
  const shown = [
    `Tenant of-gone/gone (${gone.id})`,
    `  at ${hub.url}: 1 server, 1 API key`,
    `  at ${vault.url}: 1 credential`,
  ];
  assertEquals(refused.out, shown.join("\n") + "\n");
  assertEquals(await request(gone.key, "mcp-servers/list"), 200);

  const deleted = await admin(["tenant", "delete", "of-gone/gone", "--yes", "--json"]);
  assertEquals(JSON.parse(deleted.out), {
    tenant: { id: gone.id, name: "gone" },
    deleted: { credentials: 1, servers: 1, api_keys: 1 },
  });
  assertEquals([deleted.code, deleted.err], [0, shown.join("\n") + "\n"]);
  assertEquals(await request(gone.key, "mcp-servers/list"), 401);
  for (const id of [gone.id, kept.id]) {
    const expected = id === kept.id ? 1 : 0;
    const [inHub] = await hubSql`
      select (select count(*) from public.tenants where tenants.id = ${id})::integer as tenants,
        (select count(*) from public.api_keys where tenant_id = ${id})::integer as keys,
        (select count(*) from public.tenant_mcp_servers where tenant_id = ${id})::integer as servers`;
    const [inVault] =
      await vaultSql`select count(*)::integer as n from public.tenant_credentials where tenant_id = ${id}`;
    assertEquals([inHub?.tenants, inHub?.keys, inHub?.servers, inVault?.n], Array(4).fill(expected));
  }
  assertEquals(await request(kept.key, "credentials/retrieve", { service: "a" }), 200);
  await fail(["tenant", "delete", gone.id, "--yes"], /there is no tenant/);
});

Deno.test("tenant delete can be repeated after a failure at any point", async () => {
  const tenant = await newTenant("stubborn");
  await fill(tenant.key, "a");
  const words = ["tenant", "delete", tenant.id, "--yes", "--json"];
  const again = new RegExp(`not all is deleted: repeat with deno task admin tenant delete ${tenant.id}\n$`);
  const failsOnce = async (sql: typeof hubSql, signature: string) => {
    await sql.unsafe(`revoke execute on function public.${signature} from service_role`);
    const { code, out, err } = await admin(words);
    await sql.unsafe(`grant execute on function public.${signature} to service_role`);
    assertEquals([code, out], [1, ""]);
    assertMatch(err, again);
  };
  await failsOnce(vaultSql, "purge_tenant_credentials(text)");
  assertEquals(await request(tenant.key, "mcp-servers/list"), 401);
  await failsOnce(hubSql, "delete_tenant(uuid)");
  assertEquals((await json("credential", "list", "stubborn")).credentials, []);
  const { out } = await admin(words);
  assertEquals(JSON.parse(out).deleted, { credentials: 0, servers: 1, api_keys: 1 });

  // What a kernel stored between the vault's purge and the hub's.
  await vaultSql`
    insert into public.tenant_credentials (tenant_id, service, encrypted_credentials)
    values (${tenant.id}, 'late', decode(repeat('ab', 40), 'hex'))`;
  assertEquals(JSON.parse((await admin(words)).out).deleted, { credentials: 1, servers: 0, api_keys: 0 });
  await fail(words, /there is no tenant/);
});

Deno.test({
  name: "tenant delete asks for the tenant's name on a terminal",
  // util-linux's script, which gives a program a terminal.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await newTenant("typed");
    for (
      const [typed, expected] of [["type", /nothing was deleted: that is not its name/], [
        "typed",
        /Deleted: 0 cred/,
      ]] as const
    ) {
      const command = `${Deno.execPath()} run -A --cached-only ${ADMIN} --stack ${stack.path} tenant delete typed`;
      const process = new Deno.Command("script", {
        args: ["-qec", command, "/dev/null"],
        env: UNSET,
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      const input = process.stdin.getWriter();
      await input.write(new TextEncoder().encode(`${typed}\n`));
      const { stdout, code } = await process.output();
      await input.close().catch(() => {});
      const output = new TextDecoder().decode(stdout);
      assertMatch(output, /This cannot be undone\. Type typed to delete it: /);
      assertMatch(output, expected);
      assertEquals(code, typed === "typed" ? 0 : 1);
    }
  },
});

Deno.test("status tells migrations, counts and credentials by encryption key, and exits with 0", async () => {
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

  const shown = await text("status");
  assertMatch(shown, /^ {2}migrations {4}20260222000000, 20260223000000, 20260224000000/m);
  assertMatch(
    shown,
    new RegExp(`^  encryption key ${inVault.encryption_keys[0].id}: ${credentials?.n} credential`, "m"),
  );
  assertMatch(shown, /^ {2}✓ as it should be$/m);
});

Deno.test("status names what is not as it should be, and exits with 1", async () => {
  const failing = async (change: string, restore: string, expected: RegExp, sql = hubSql) => {
    await sql.unsafe(change);
    const [shown, asJson] = await Promise.all([admin(["status"]), admin(["status", "--json"])]);
    await sql.unsafe(restore);
    assertEquals([shown.code, asJson.code, JSON.parse(asJson.out).ok], [1, 1, false]);
    assertMatch(shown.err, /^error: not all is as it should be: [^\n]+\n$/);
    assertMatch(shown.err, expected);
    assertMatch(shown.out, /^ {2}✗ /m);
  };
  await failing(
    "delete from supabase_migrations.schema_migrations where version = '20260224000000'",
    "insert into supabase_migrations.schema_migrations (version, name) values ('20260224000000', 'add_operator_functions')",
    /governance-hub: migration 20260224000000 is not applied/,
  );
  await failing(
    "alter table supabase_migrations.schema_migrations rename to elsewhere",
    "alter table supabase_migrations.elsewhere rename to schema_migrations",
    /key-vault-executor: nothing notes which migrations are applied/,
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

Deno.test("each mistake is told in one line that helps, with exit code 1 and nothing on standard output", async () => {
  const id = crypto.randomUUID();
  await text("tenant", "create", "globex", "acme-lab");
  const issue = ["api-key", "issue", "acme-shop", "--name", "x"];
  const mistakes: [words: string[], expected: RegExp, env?: Record<string, string>][] = [
    [[], /say which command: organization, tenant, .*status \(see deno task admin --help\)/],
    [["tenant"], /say which command: create, list, delete \(see deno task admin tenant --help\)/],
    [["tenat"], /unknown command 'tenat' \(Did you mean tenant\?\) \(see deno task admin --help\)/],
    [["tenant", "lst"], /unknown command 'lst' .*tenant --help/],
    [
      ["tenant", "list", "--jsn"],
      /unknown option '--jsn' \(Did you mean --json\?\) \(see deno task admin tenant list --help\)/,
    ],
    [["tenant", "create", "acme"], /missing required argument 'name' \(see deno task admin tenant create --help\)/],
    [["status", "now"], /too many arguments/],
    [["--stack"], /option '--stack <file>' argument missing/],
    [["api-key", "issue", "acme-shop"], /required option '--name <name>' not specified/],
    [["api-key", "revoke", "not-an-id"], /the id must be a UUID; deno task admin api-key list shows the ids/],
    [["kernel", "revoke", "not-an-id"], /the id must be a UUID; deno task admin kernel list shows the ids/],
    [["api-key", "revoke", id], new RegExp(`there is no API key with the id ${id}`)],
    [["kernel", "revoke", id], new RegExp(`there is no kernel with the id ${id}`)],
    [["tenant", "create", "nobody", "x"], /there is no organization "nobody"; deno task admin organization list shows/],
    [["kernel", "list", id], new RegExp(`there is no organization "${id}"`)],
    [["credential", "list", "nobody"], /there is no tenant "nobody"; deno task admin tenant list shows them/],
    [["server", "list", id], new RegExp(`there is no tenant "${id}"`)],
    [["tenant", "delete", "nobody", "--yes"], /there is no tenant "nobody"/],
    [
      ["server", "list", "acme-lab"],
      /2 tenants are called "acme-lab": say organization\/tenant or the id \(.*acme\/acme-lab/,
    ],
    [["organization", "create", "acme"], /there is an organization "acme" already/],
    [["tenant", "create", "acme", "acme-shop"], /acme has a tenant "acme-shop" already/],
    [["organization", "create", ""], /a name has 1 to 200 characters and no control characters/],
    [["api-key", "issue", "acme-shop", "--name", "a\nb"], /a name has 1 to 200 characters and no control characters/],
    [[...issue, "--expires", "2020-01-01"], /--expires 2020-01-01 is in the past/],
    [[...issue, "--expires", "soon"], /--expires must be like 90d, 12h, 2027-01-01 or .*, not "soon"/],
    [[...issue, "--scope", "servers:admin"], /'servers:admin' is invalid\. It must be one of servers:read, .*:reveal/],
    [["--stack", "/nowhere.json", "status"], /no stack is running: there is no \/nowhere\.json; run deno task start/],
    [["--stack", ADMIN, "status"], /is no stack\.json of deno task start/],
    [["tenant", "list"], /governance-hub does not answer at http:\/\/127\.0\.0\.1:1; check HUB_URL/, {
      ...HOSTED,
      HUB_URL: "http://127.0.0.1:1",
    }],
    [["tenant", "list"], /governance-hub refuses the secret key .*check HUB_URL and HUB_SECRET_KEY/, {
      ...HOSTED,
      HUB_SECRET_KEY: "sb_secret_wrong",
    }],
    [["tenant", "list"], /governance-hub refuses the secret key/, { ...HOSTED, HUB_SECRET_KEY: hub.publishable_key }],
    [["credential", "list", "acme-shop"], /key-vault-executor refuses the secret key .*check VAULT_URL/, {
      ...HOSTED,
      VAULT_SECRET_KEY: "sb_secret_wrong",
    }],
    [["tenant", "list"], /governance-hub lacks the function list_tenants: apply its migrations/, {
      ...HOSTED,
      HUB_URL: vault.url,
      HUB_SECRET_KEY: vault.secret_key,
    }],
    [["tenant", "list"], /is no Supabase project/, { ...HOSTED, HUB_URL: `${hub.url}/elsewhere` }],
    [["kernel", "issue", "acme", "--name", "x"], /KERNEL_HMAC_SECRET must be at least 64 hex/, {
      ...HOSTED,
      KERNEL_HMAC_SECRET: "short",
    }],
  ];
  await inParallel(mistakes, ([words, expected, env]) => fail(words, expected, env));
});

Deno.test("--help of every command says what it does and gives an example", async () => {
  const commands = [
    "",
    ...["organization", "organization create", "organization list"],
    ...["tenant", "tenant create", "tenant list", "tenant delete"],
    ...["api-key", "api-key issue", "api-key list", "api-key revoke"],
    ...["kernel", "kernel issue", "kernel list", "kernel revoke"],
    ...["server", "server list", "credential", "credential list", "status"],
  ];
  await inParallel(commands, async (command) => {
    const help = await text(...command.split(" ").filter(Boolean), "--help");
    assertMatch(help, new RegExp(`^Usage: deno task admin ?${command} .*\n\n\\S.*`), command);
    assertMatch(help, /\nExample:\n {2}deno task admin [a-z]/, command);
    assertMatch(help, / --json .*/, command);
  });
});

Deno.test("readExpiry() takes days, hours, a date and a moment of RFC 3339, and nothing else", () => {
  const now = new Date("2026-06-01T12:00:00Z");
  const good = [
    ["90d", "2026-08-30T12:00:00.000Z"],
    ["12h", "2026-06-02T00:00:00.000Z"],
    ["2027-01-01", "2027-01-01T00:00:00.000Z"],
    ["2028-02-29", "2028-02-29T00:00:00.000Z"],
    ["2027-01-01T12:00:00Z", "2027-01-01T12:00:00.000Z"],
    ["2027-01-01t12:00:00.5+02:00", "2027-01-01T10:00:00.500Z"],
  ] as const;
  for (const [given, expected] of good) assertEquals(readExpiry(given, now), expected);
  const malformed = [
    ..."|0d|d|90|90m|-1d|1.5d|999999d0|2027-1-1|2027-02-30|2027-02-29T00:00:00Z|2027-13-01".split("|"),
    ..."2027-01-01T12:00:00|2027-01-01T24:00:00Z|2027-01-01 12:00:00Z|tomorrow|9999999d".split("|"),
  ];
  for (const given of malformed) assertMatch(thrown(() => readExpiry(given, now)), /^--expires must be like /);
  for (const given of ["2026-06-01", "2026-06-01T12:00:00Z"]) {
    assertMatch(thrown(() => readExpiry(given, now)), /is in the past$/);
  }
});

Deno.test("no digest, no value of a credential, no secret and no argument of a server was ever printed", async () => {
  const keys = await hubSql`
    select encode(key_sha256, 'hex') as hex, encode(key_sha256, 'base64') as base64 from public.api_keys
    union all select encode(key_hmac, 'hex'), encode(key_hmac, 'base64') from public.kernels`;
  const sealed = await vaultSql`
    select encode(encrypted_credentials, 'hex') as hex, encode(encrypted_credentials, 'base64') as base64
    from public.tenant_credentials`;
  assert(keys.length > 5 && sealed.length > 0 && printed.length > 100);
  const secrets = [
    ...[...keys, ...sealed].flatMap(({ hex, base64 }) => [hex, base64.replaceAll("\n", "")]),
    ...["ab".repeat(40), "secret-arg", PASSWORD, ...Object.values(HOSTED).filter((value) => !value.startsWith("http"))],
    stack.file.credential_encryption_key,
  ];
  const all = printed.join("\n");
  for (const secret of secrets) assert(!all.includes(secret), `${secret} was printed`);
  const issuedKeys = all.match(/(mcp|krn)_\w{49}/g) ?? [];
  assert(issuedKeys.length > 5);
  assertEquals(new Set(issuedKeys).size, issuedKeys.length, "a key was shown twice");
});

/** Some at a time, since each is a process. */
async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  await Promise.all(Array.from({ length: 4 }, async () => {
    for (const item of rest) await work(item);
  }));
}

function thrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}
