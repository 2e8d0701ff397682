import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  acme,
  ADMIN,
  admin,
  assertNothingSecretPrinted,
  fail,
  globex,
  HOSTED,
  hub,
  inParallel,
  json,
  request,
  text,
  vault,
} from "../test/support/admin/program.ts";

Deno.test("organization create makes an organization, and list shows it", async () => {
  const created = await json("organization", "create", "initech");
  assertMatch(await text("organization", "create", "hooli"), /^Organization hooli: [0-9a-f-]{36}\n$/);
  const { organizations } = await json("organization", "list");
  assertEquals(Object.keys(organizations[0]), ["id", "name", "created_at"]);
  const names = organizations.map(({ name }: { name: string }) => name);
  assertEquals(["acme", "globex", "hooli", "initech"].every((name) => names.includes(name)), true);
  assertEquals(names, names.toSorted());
  assertMatch(await text("organization", "list"), new RegExp(`^initech +${created.id} +20\\d\\d-`, "m"));
});

Deno.test("tenant create and list accept an organization's id or name", async () => {
  const byName = await json("tenant", "create", "globex", "by-name");
  assertEquals([byName.organization_id, byName.organization_name], [globex.id, "globex"]);
  assertMatch(await text("tenant", "create", globex.id.toUpperCase(), "by-id"), /^Tenant globex\/by-id: /);
  const { tenants } = await json("tenant", "list", "globex");
  const names = tenants.map(({ name }: { name: string }) => name);
  assertEquals(names, ["by-id", "by-name", "globex-main"]);
  assert((await json("tenant", "list")).tenants.length > names.length);
  assertMatch(await text("tenant", "list", "globex"), new RegExp(`^globex +by-name +${byName.id}`, "m"));
});

Deno.test("tenant quota sets how many servers and credentials a tenant may have, and tenant list shows the servers", async () => {
  const { id } = await json("tenant", "create", "globex", "limited");
  const set = await json("tenant", "quota", "globex/limited", "--servers", "0", "--credentials", "5");
  assertEquals(set, { id, name: "limited", servers: 0, max_servers: 0, credentials: 0, max_credentials: 5 });
  assertEquals(
    await text("tenant", "quota", id, "--servers", "7"),
    "Tenant globex/limited has 0 of 7 servers\n",
  );
  assertMatch(await text("tenant", "list", "globex"), new RegExp(`^globex +limited +${id} +0 of 7 +20`, "m"));
  for (const number of ["-1", "1.5", "x", "2147483648"]) {
    await fail(["tenant", "quota", id, `--servers=${number}`], /It must be a whole number from 0 to 2147483647/);
  }
  await fail(["tenant", "quota", id], /set --servers, --credentials or both/);
});

Deno.test("the environment's hosted projects take precedence over stack.json", async () => {
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

Deno.test("each mistake gets a one-line message that helps, exit code 1 (2 if mistyped), and no standard output", async () => {
  const id = crypto.randomUUID();
  await text("tenant", "create", "globex", "acme-lab");
  const issue = ["api-key", "issue", "acme-shop", "--name", "x"];
  const mistakes: [words: string[], expected: RegExp, env?: Record<string, string>][] = [
    [[], /name a command: organization, tenant, .*status \(see deno task admin --help\)/],
    [["tenant"], /name a command: create, list, quota, delete \(see deno task admin tenant --help\)/],
    [["tenat"], /unknown command 'tenat' \(Did you mean tenant\?\) \(see deno task admin --help\)/],
    [["tenant", "lst"], /unknown command 'lst' .*tenant --help/],
    [
      ["tenant", "list", "--jsn"],
      /unknown option '--jsn' \(Did you mean --json\?\) \(see deno task admin tenant list --help\)/,
    ],
    [["tenant", "create", "acme"], /missing required argument 'name' \(see deno task admin tenant create --help\)/],
    [["status", "now"], /too many arguments/],
    [["rotate-key", "--dry-rn"], /unknown option '--dry-rn' \(Did you mean --dry-run\?\) .*rotate-key --help/],
    [["credential"], /name a command: list, verify/],
    [["events"], /name a command: list, export/],
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
      /2 tenants are named "acme-lab": use organization\/tenant or the id \(.*acme\/acme-lab/,
    ],
    [["organization", "create", "acme"], /an organization "acme" already exists/],
    [["tenant", "create", "acme", "acme-shop"], /acme already has a tenant "acme-shop"/],
    [["organization", "create", ""], /a name must have 1 to 200 characters, and no control or format characters/],
    [
      ["api-key", "issue", "acme-shop", "--name", "a\nb"],
      /a name must have 1 to 200 characters, and no control or format characters/,
    ],
    [[...issue, "--expires", "2020-01-01"], /--expires 2020-01-01 is in the past/],
    [[...issue, "--expires", "soon"], /--expires must be like 90d, 12h, 2027-01-01 or .*, not "soon"/],
    [[...issue, "--scope", "servers:admin"], /'servers:admin' is invalid\. It must be one of servers:read, .*:reveal/],
    [["--stack", "/nowhere.json", "status"], /no stack is running: there is no \/nowhere\.json; run deno task start/],
    [["--stack", ADMIN, "status"], /is not a stack\.json of deno task start/],
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
    [["tenant", "list"], /governance-hub does not have the function list_tenants: apply its migrations/, {
      ...HOSTED,
      HUB_URL: vault.url,
      HUB_SECRET_KEY: vault.secret_key,
    }],
    [["tenant", "list"], /is not a Supabase project/, { ...HOSTED, HUB_URL: `${hub.url}/elsewhere` }],
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
    ...["tenant", "tenant create", "tenant list", "tenant quota", "tenant delete"],
    ...["api-key", "api-key issue", "api-key list", "api-key revoke"],
    ...["kernel", "kernel issue", "kernel list", "kernel revoke"],
    ...["server", "server list", "server status", "credential", "credential list", "credential verify"],
    ...["package", "package add", "package list", "package remove", "executor-keys", "executor-keys rotate"],
    ...["events", "events list", "events export", "rotate-key", "status"],
  ];
  await inParallel(commands, async (command) => {
    const help = await text(...command.split(" ").filter(Boolean), "--help");
    assertMatch(help, new RegExp(`^Usage: deno task admin ?${command} .*\n\n\\S.*`), command);
    assertMatch(help, /\nExample:\n {2}deno task admin [a-z]/, command);
    assertMatch(help, / --json .*/, command);
  });
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
