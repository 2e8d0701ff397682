import { assert, assertEquals, assertMatch } from "@std/assert";
import { isUuid } from "./client/find.ts";
import { admin, adminOnTerminal, fill, HOSTED, hub, hubSql, newTenant, vault } from "../test/support/admin/program.ts";

/** Moves the cursor, clears the screen, reverses the text that follows, and forges a line. */
const PLANTED =
  "\u{202e}\u{9b}2J\u{1b}[1A\u{200b}\u{2028}\u{e0041}\n0 credentials left under 00: you can remove this key";
const SHOWN = "\\u{202e}\\u{9b}2J\\u{1b}[1A\\u{200b}\\u{2028}\\u{e0041}\\u{a}0 credentials left under 00";

const HIDDEN = /[\p{Cf}\p{Zl}\p{Zp}]|(?!\n)\p{Cc}/u;

/** A project that adds the planted bytes to every string in its answers, as anyone with its secret key could. */
async function withPlanted(work: (env: Record<string, string>) => Promise<void>): Promise<void> {
  const serve = (url: string) =>
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
      const { headers, method } = request;
      const response = await fetch(`${url}${new URL(request.url).pathname}`, {
        method,
        headers,
        body: await request.text(),
      });
      return Response.json(plant(await response.json()), { status: response.status });
    });
  const servers = [serve(hub.url), serve(vault.url)];
  const [hubUrl, vaultUrl] = servers.map(({ addr }) => `http://127.0.0.1:${addr.port}`);
  try {
    await work({ ...HOSTED, HUB_URL: hubUrl ?? "", VAULT_URL: vaultUrl ?? "" });
  } finally {
    await Promise.all(servers.map((server) => server.shutdown()));
  }
}

function plant(value: unknown): unknown {
  // Ids are left unchanged, because later calls use them.
  if (typeof value === "string") return isUuid(value) ? value : value + PLANTED;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plant);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plant(member)]));
}

const KEY_ENV = { CREDENTIAL_ENCRYPTION_KEY: "2b".repeat(32) };

const COMMANDS = [
  ...["organization list", "tenant list", "tenant list acme", "server list"],
  ...["api-key list", "kernel list", "kernel list acme", "credential list planted-shop", "credential verify"],
  ...[
    "events list planted-shop",
    "events export --tenant planted-shop",
    "status",
    "rotate-key --dry-run",
    "tenant delete planted-shop",
  ],
  ...["tenant list globex"],
];

const tenant = await newTenant("planted-shop");

for (const command of COMMANDS) {
  Deno.test(`${command} escapes characters that hide, move or forge a line, with and without --json`, async () => {
    await fill(tenant.key, `s${crypto.randomUUID().slice(0, 8)}`);
    await withPlanted(async (env) => {
      for (const words of [command.split(" "), [...command.split(" "), "--json"]]) {
        const { out, err } = await admin(words, { ...env, ...KEY_ENV });
        const label = `${words.join(" ")}: ${JSON.stringify(out + err)}`;
        assert((out + err).includes("u{202e}") || (out + err).includes("u202e"), label);
        for (const text of [out, err]) {
          assert(!HIDDEN.test(text), label);
          assert(!/^0 credentials left under 00/m.test(text), label);
        }
      }
    });
  });
}

Deno.test("tables and messages show the planted bytes escaped, and JSON parses to them", async () => {
  await withPlanted(async (env) => {
    const { out } = await admin(["organization", "list"], env);
    assert(out.includes(`acme${SHOWN}`), out);
    const { out: json } = await admin(["organization", "list", "--json"], env);
    assertMatch(json, /acme\\u202e\\u009b2J\\u001b\[1A\\u200b\\u2028\\udb40\\udc41\\n0 credentials/);
    assert(JSON.parse(json).organizations.some(({ name }: { name: string }) => name === `acme${PLANTED}`));
    const { err } = await admin(["status"], env);
    assert(err.includes(SHOWN), err);
  });
});

Deno.test("a question shows a planted name escaped, and accepts the escaped form", async () => {
  const { id } = await newTenant("with-a-planted-name");
  await hubSql`alter table public.tenants disable trigger user`;
  await hubSql`update public.tenants set name = ${"ab\u{200d}c"} where id = ${id}`;
  const process = adminOnTerminal(["tenant", "delete", id]);
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode("ab\\u{200d}c\n"));
  await writer.close();
  const { code, stdout } = await process.output();
  const out = new TextDecoder().decode(stdout);
  assertEquals(code, 0, out);
  assert(out.includes("Type ab\\u{200d}c to delete it") && !out.includes("\u{200d}"), out);
});
