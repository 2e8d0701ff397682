/** Answers of the hub's functions: pages of limited bytes, times of one form, and nothing that the key may not read. */

import { assert, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import postgres from "postgres";
import { openCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, refuses, server, type TestTenant } from "../suites/isolation.ts";

const HUB = "governance-hub";
const MIB = 1024 * 1024;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

function test(name: string, work: (fixture: Fixture) => Promise<void>): void {
  Deno.test(name, async () => {
    const fixture = await openFixture(cluster, await cluster.createProject(HUB), HUB);
    try {
      await work(fixture);
    } finally {
      await fixture.close();
    }
  });
}

/** The pages of a list, each with its size and its time. */
async function readPages(sql: postgres.Sql, { id, caller }: TestTenant, limit: number) {
  const pages: { ids: string[]; bytes: number; ms: number }[] = [];
  let last: string | undefined;
  do {
    const begun = performance.now();
    const after = last === undefined ? {} : { after: { tenant_id: id, server_id: last } };
    const page = await call(sql, "list_mcp_servers", caller, { limit, ...after });
    const ids: string[] = page.servers.map((row: { server_id: string }) => row.server_id);
    const bytes = new TextEncoder().encode(JSON.stringify(page.servers)).length;
    pages.push({ ids, bytes, ms: performance.now() - begun });
    last = page.more ? ids.at(-1) : undefined;
  } while (last !== undefined);
  return pages;
}

test("a list of 1,000 servers with 32 KiB of quotes has pages of about 1 MiB, and each server once", async ({ sql, owner, a }) => {
  await owner`
    insert into public.tenant_mcp_servers (tenant_id, server_id, name, command, args, tool_prefix)
    select ${a.id}, 's' || lpad(number::text, 4, '0'), repeat('"', 200), repeat('"', 1024), array_fill(repeat('"', 4096), array[8]),
      'p' || number || '.'
    from generate_series(1, 1000) as number`;
  const pages = await readPages(sql, a, 1000);
  const ids = pages.flatMap(({ ids }) => ids);
  assertEquals(ids, Array.from({ length: 1000 }, (_, i) => `s${String(i + 1).padStart(4, "0")}`));
  for (const { bytes, ms } of pages) assert(bytes <= 1.1 * MIB && ms < 1000, `${bytes} bytes in ${ms} ms`);
  for (const { bytes } of pages.slice(0, -1)) assert(bytes > MIB, `${bytes} bytes`);
  assertEquals((await call(sql, "list_mcp_servers", a.caller, { limit: 1 })).servers.length, 1);
});

test("a page of small servers ends at its limit, and says whether there are more", async ({ sql, owner, a }) => {
  const sizes = async (limit: number) => (await readPages(sql, a, limit)).map(({ ids }) => ids.length);
  assertEquals(await sizes(10), [0]);
  await owner`
    insert into public.tenant_mcp_servers (tenant_id, server_id, name, command, args, tool_prefix)
    select ${a.id}, 's' || number, 'n', 'c', '{a}', 'p' || number || '.' from generate_series(10, 29) as number`;
  assertEquals([await sizes(10), await sizes(19), await sizes(20), await sizes(1000)], [[10, 10], [19, 1], [20], [20]]);
});

test("a page of the largest events is smaller than 1 MiB, and of the longest calls it takes less than a second", async ({ sql, owner, a }) => {
  const list = () => call(sql, "list_mcp_server_events", a.caller, { limit: 1000 });
  await owner`
    insert into public.mcp_server_events
      (tenant_id, action, server_id, registration_id, version, changed_fields, actor_kind, actor_id, request_id)
    select ${a.id}, 'register', repeat('a', 128), gen_random_uuid(), 2147483647,
      '{args,command,enabled,name,tool_prefix,updated_at,version}', 'kernel', gen_random_uuid(), repeat('a', 128)
    from generate_series(1, 1000)`;
  const { events } = await list();
  assertEquals(events.length, 1000);
  assert(JSON.stringify(events).length < MIB);
  await owner`
    insert into public.mcp_server_events
      (tenant_id, action, server_id, registration_id, version, method, tool, actor_kind, actor_id, request_id)
    select ${a.id}, 'call', repeat('a', 128), gen_random_uuid(), 2147483647, 'completion/complete', repeat('\u{1f4d6}', 2048),
      'kernel', gen_random_uuid(), repeat('a', 128)
    from generate_series(1, 1000)`;
  const begun = performance.now();
  const { events: calls } = await list();
  assertEquals([calls.length, calls.every(({ tool }: { tool: string }) => [...tool].length === 2048)], [1000, true]);
  assert(performance.now() - begun < 1000, `${performance.now() - begun} ms`);
});

test("times have six digits of a second and +00:00 in every session, and servers equal their rows", async ({ sql, owner, a }) => {
  await sql`set timezone = 'Asia/Kolkata'`;
  await sql`set datestyle = 'SQL, DMY'`;
  const awkward = { ...server("s", "p."), name: `"\\ é \u{1f511}`, args: ["{}", "null", `a"b,c\\`] };
  const registered = await call(sql, "register_mcp_server", a.caller, awkward);
  await owner`update public.tenant_mcp_servers set created_at = '2026-01-01 00:00+00', updated_at = '2026-01-02 01:02:03.4+00'`;
  const expected = {
    ...awkward,
    id: registered.id,
    enabled: true,
    version: 1,
    created_at: "2026-01-01T00:00:00.000000+00:00",
    updated_at: "2026-01-02T01:02:03.400000+00:00",
  };
  assertEquals((await call(sql, "list_mcp_servers", a.caller, { limit: 1 })).servers, [expected]);
  assertEquals((await call(sql, "authorize_tool", a.caller, "p.tool")).server, expected);
  assertEquals(await call(sql, "update_mcp_server", a.caller, "s", {}), expected);
  const updated = await call(sql, "update_mcp_server", a.caller, "s", { name: "new" });
  assertEquals({ ...updated, updated_at: null }, { ...expected, name: "new", version: 2, updated_at: null });
  const { events } = await call(sql, "list_mcp_server_events", a.caller, { limit: 10 });
  for (
    const time of [
      registered.created_at,
      updated.updated_at,
      ...events.map((event: Record<string, string>) => event.occurred_at),
    ]
  ) {
    assert(TIME.test(time), time);
  }
});

test("issue_api_key and issue_kernel accept only lists of strings", async ({ owner, a }) => {
  const [tenant] = await owner`select organization_id from public.tenants where id = ${a.id}`;
  const issue = (extra: Record<string, unknown>) => {
    const digest = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
    const agent = { name: "n", display_prefix: "mcp_test", key_sha256: digest, ...extra };
    const kernel = { name: "n", display_prefix: "krn_test", key_hmac: digest, ...extra };
    return [
      () => owner`select public.issue_api_key(${a.id}, ${JSON.stringify(agent)}::text::jsonb) as key`,
      () =>
        owner`select public.issue_kernel(${tenant?.organization_id}, ${JSON.stringify(kernel)}::text::jsonb) as key`,
    ];
  };
  for (const name of ["scopes", "services"]) {
    for (
      const bad of [[["servers:read"]], [["servers:read"], ["servers:write"]], "servers:read", [1], [null], [[]], {}]
    ) {
      for (const ask of issue({ [name]: bad })) await refuses(ask(), "22023", `${name} ${JSON.stringify(bad)}`);
    }
    for (const good of [[], ["servers:read"], null]) {
      for (const ask of issue({ [name]: good })) await ask();
    }
  }
  for (const ask of issue({ scopes: ["servers:none"] })) await refuses(ask(), "23514");
  for (const table of ["api_keys", "kernels"]) {
    for (const [column, nested] of [["scopes", "{{servers:read}}"], ["services", "{{amazon}}"]] as const) {
      const statement = `update public.${table} set ${column} = '${nested}'`;
      await refuses(owner.unsafe(statement), "23514", statement);
    }
  }
});

test("a key without servers:read learns only the server_id and the version of a server", async ({ sql, owner, a }) => {
  const digest = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
  await owner`
    insert into public.api_keys (tenant_id, name, display_prefix, key_sha256, scopes)
    values (${a.id}, 'writer', 'mcp_test', decode(${digest}, 'hex'), '{servers:write}')`;
  const writer = { api_key_sha256: digest };
  for (const [id, prefix] of [["secret", "hidden.deep."], ["mine", "mine."]] as const) {
    await call(sql, "register_mcp_server", a.caller, server(id, prefix));
  }
  assertEquals(await call(sql, "update_mcp_server", writer, "secret", {}), { server_id: "secret", version: 1 });
  assertEquals(await call(sql, "update_mcp_server", writer, "secret", { name: "n" }), {
    server_id: "secret",
    version: 1,
  });
  assertEquals(await call(sql, "update_mcp_server", writer, "secret", { name: "x" }), {
    server_id: "secret",
    version: 2,
  });
  const holders = async (caller: unknown) => {
    const acts = ["hidden.", "HIDDEN.deep.", "hidden.deep.er."].flatMap((prefix) => [
      () => call(sql, "register_mcp_server", caller, server("new", prefix)),
      () => call(sql, "update_mcp_server", caller, "mine", { tool_prefix: prefix }),
    ]);
    const found = [];
    for (const act of acts) {
      found.push(
        await act().then(() => "done", ({ message, detail }) => [message, JSON.parse(detail).holder?.server_id]),
      );
    }
    return found;
  };
  assertEquals(await holders(writer), Array(6).fill(["tool_prefix_taken", undefined]));
  assertEquals(await holders(a.caller), Array(6).fill(["tool_prefix_taken", "secret"]));
});
