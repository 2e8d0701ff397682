import { assert, assertEquals, assertMatch } from "@std/assert";
import { SCOPES } from "../../client/operator.ts";
import {
  acme,
  assertNothingSecretPrinted,
  fail,
  globex,
  HOSTED,
  hubSql,
  json,
  request,
  server,
  text,
} from "../../../test/support/admin/program.ts";

Deno.test("api-key issue shows a key that works, list describes it without its secret, and revoke ends it", async () => {
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
    /^mcp_\w{49}\n\nStore this key now: it is not shown again\. .*acme\/acme-shop\.\nid [^\n]*servers:read, services all\n$/,
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
    "services",
    "tenant_id",
    "tenant_name",
  ]);
  assertEquals([listed.display_prefix, listed.scopes, listed.revoked_at], [key.slice(0, 8), ["servers:read"], null]);
  assert(Math.abs(Date.parse(listed.expires_at) - Date.now() - 90 * 86_400_000) < 60_000);
  assert(listed.last_used_at !== null);

  assertEquals(
    await text("api-key", "revoke", listed.id),
    `Revoked ${listed.id}. Requests with this key now fail.\n`,
  );
  assertEquals(await request(key, "mcp-servers/list"), 401);
  assertEquals(await json("api-key", "revoke", listed.id), { id: listed.id, revoked: true });
  const table = await text("api-key", "list");
  assertMatch(
    table,
    new RegExp(
      `^acme/acme-shop +${listed.id} +${key.slice(0, 8)}… +${name} +servers:read +all +(20\\S+ \\S+ *){4}$`,
      "m",
    ),
  );
  assertMatch(table, /^globex\/globex-main /m);
  assert(!table.includes(key));
});

Deno.test("the hub's database and the command line know the same scopes", async () => {
  const [hubRow] = await hubSql`select private.all_scopes() as scopes`;
  assertEquals(hubRow?.scopes, SCOPES);
});

Deno.test("api-key issue gives all scopes and no expiry by default, and named scopes without duplicates", async () => {
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
  assertMatch(await text("kernel", "revoke", issued.id), /^Revoked /);
  assertEquals(await request(issued.key, path), 401);
  assertMatch(
    await text("kernel", "list"),
    new RegExp(`^acme +${issued.id} +${issued.key.slice(0, 8)}… +production +all +all `, "m"),
  );
  assertMatch(
    await text("kernel", "issue", "globex", "--name", "shown"),
    /^krn_\w{49}\n\nStore this key now: it is not shown again/,
  );
});

Deno.test("api-key issue and kernel issue limit a key to services and show them, and the vault enforces them", async () => {
  const words = ["--name", "narrow", "--service", "amazon", "--service", "git/hub", "--service", "amazon"];
  const issued = await json("api-key", "issue", "acme-shop", ...words);
  assertEquals(issued.services, ["amazon", "git/hub"]);
  const store = (service: string) => request(issued.key, "credentials/store", { service, credentials: { a: 1 } });
  assertEquals([await store("amazon"), await store("shopify")], [201, 403]);
  assertEquals(await request(issued.key, "mcp-servers/list"), 200);
  const { api_keys } = await json("api-key", "list", "acme-shop");
  const services = Object.fromEntries(api_keys.map((key: { id: string; services: unknown }) => [key.id, key.services]));
  assertEquals(services[issued.id], ["amazon", "git/hub"]);
  assert(Object.values(services).includes(null));
  assertMatch(await text("api-key", "list"), new RegExp(`${issued.id} +\\S+ +narrow +all +amazon git/hub +20`));

  const shown = await text("kernel", "issue", "acme", "--name", "narrow kernel", "--service", "amazon");
  assertMatch(shown, /, services amazon\nServices limit credentials only: the key can use every server/);
  assertMatch(await text("kernel", "list", "acme"), /narrow kernel +all +amazon +20/);
  assertEquals((await json("kernel", "issue", "acme", "--name", "wide")).services, null);
});

Deno.test("api-key issue refuses malformed services, and more than a hundred services", async () => {
  const words = ["api-key", "issue", "acme-shop", "--name", "refused"];
  for (const service of ["", "a b", "-a", "a".repeat(65)]) {
    await fail([...words, "--service", service], /It must be 1 to 64 of A-Z a-z 0-9 \. _ : \/ -, and begin with/);
  }
  const many = (amount: number) => Array.from({ length: amount }, (_, n) => ["--service", `s${n}`]).flat();
  await fail([...words, ...many(101)], /A key may have at most 100 services\./);
  assertEquals((await json(...words, ...many(100))).services.length, 100);
});

Deno.test("kernel issue revokes the key that a wrong KERNEL_HMAC_SECRET makes useless", async () => {
  const name = crypto.randomUUID();
  const wrong = { ...HOSTED, KERNEL_HMAC_SECRET: "ab".repeat(32) };
  await fail(
    ["kernel", "issue", "globex", "--name", name],
    /no key was issued: KERNEL_HMAC_SECRET differs from the hub's/,
    wrong,
  );
  const { kernels } = await json("kernel", "list", "globex");
  assert(kernels.find((kernel: { name: string }) => kernel.name === name).revoked_at !== null);
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
