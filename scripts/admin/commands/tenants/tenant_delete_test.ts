import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  admin,
  adminOnTerminal,
  assertNothingSecretPrinted,
  fail,
  fill,
  hub,
  hubSql,
  json,
  newTenant,
  request,
  text,
  vault,
  vaultSql,
} from "../../../test/support/admin/program.ts";

Deno.test("server list and credential list show all that a tenant has, without arguments and values", async () => {
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
  assertEquals(await text("credential", "list", "globex-main"), "The tenant has no credentials.\n");

  await text("tenant", "delete", "many", "--yes");
  const [left] =
    await vaultSql`select count(*)::integer as n from public.tenant_credentials where tenant_id = ${tenant.id}`;
  assertEquals(left?.n, 0);
});

Deno.test("tenant delete shows what it would delete, refuses without a terminal or --yes, and leaves other tenants unchanged", async () => {
  const [gone, kept] = [await newTenant("gone"), await newTenant("kept")];
  await fill(gone.key, "a");
  await fill(kept.key, "a");
  const refused = await admin(["tenant", "delete", "gone"]);
  assertEquals([refused.code, refused.err], [
    1,
    "error: nothing was changed: there is no terminal to ask on; use --yes\n",
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
    assertEquals([inHub?.tenants, inHub?.keys, inHub?.servers, inVault?.n], Array(4).fill(expected), id);
  }
  assertEquals(await request(kept.key, "credentials/retrieve", { service: "a" }), 200);
  await fail(["tenant", "delete", gone.id, "--yes"], /there is no tenant/);
});

Deno.test("tenant delete can be repeated after a failure at any point", async () => {
  const tenant = await newTenant("stubborn");
  await fill(tenant.key, "a");
  const words = ["tenant", "delete", tenant.id, "--yes", "--json"];
  const again = new RegExp(`not everything is deleted: run deno task admin tenant delete ${tenant.id} again\n$`);
  const failsOnce = async (sql: typeof hubSql, signature: string) => {
    await sql.unsafe(`revoke execute on function public.${signature} from service_role`);
    const { code, out, err } = await admin(words);
    await sql.unsafe(`grant execute on function public.${signature} to service_role`);
    assertEquals([code, out], [1, ""]);
    assertMatch(err, again);
  };
  await failsOnce(vaultSql, "close_tenant(text)");
  await failsOnce(vaultSql, "purge_tenant_credentials(text)");
  assertEquals(await request(tenant.key, "mcp-servers/list"), 401);
  await failsOnce(hubSql, "delete_tenant(uuid)");
  assertEquals((await json("credential", "list", "stubborn")).credentials, []);
  const { out } = await admin(words);
  assertEquals(JSON.parse(out).deleted, { credentials: 0, servers: 1, api_keys: 1 });

  // The row that a store would write if it started before the tenant was closed.
  const late = await assertRejects(() =>
    vaultSql`
      insert into public.tenant_credentials (tenant_id, service, encrypted_credentials)
      values (${tenant.id}, 'late', decode(repeat('ab', 40), 'hex'))`
  );
  assertMatch(String(late), /tenant_not_allowed/);
  await fail(words, /there is no tenant/);
});

Deno.test({
  name: "tenant delete asks for the tenant's name on a terminal",
  // util-linux's `script` gives a program a terminal.
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await newTenant("typed");
    for (
      const [typed, expected] of [["type", /nothing was changed: you did not type/], [
        "typed",
        /Deleted the tenant, 0 cred/,
      ]] as const
    ) {
      const process = adminOnTerminal(["tenant", "delete", "typed"]);
      const input = process.stdin.getWriter();
      await input.write(new TextEncoder().encode(`${typed}\n`));
      const { stdout, code } = await process.output();
      await input.close().catch(() => {});
      const output = new TextDecoder().decode(stdout);
      assertMatch(output, /This cannot be undone\. Type typed to delete it: /, typed);
      assertMatch(output, expected, typed);
      assertEquals(code, typed === "typed" ? 0 : 1, typed);
    }
  },
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
