/** The revision of a tenant's servers: what raises it, and what reading it costs. */

import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { openCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, server, type TestTenant } from "../suites/isolation.ts";

const HUB = "governance-hub";

const cluster = await openCluster();
Deno.test.afterAll(() => cluster.stop());

function test(name: string, work: (fixture: Fixture, database: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const database = await cluster.createProject(HUB);
    const fixture = await openFixture(cluster, database, HUB);
    try {
      await work(fixture, database);
    } finally {
      await fixture.close();
    }
  });
}

function list(sql: postgres.Sql, { id, caller }: TestTenant, known: number[] = []) {
  return call(sql, "list_mcp_servers", caller, {
    limit: 1000,
    known_revisions: known.map((revision) => ({ tenant_id: id, revision })),
  });
}

test("a list with a known revision reads no server: it is answered while their table is locked", async (fixture) => {
  const { sql, owner, a } = fixture;
  await call(sql, "register_mcp_server", a.caller, server("s", "p."));
  const { revision } = await list(sql, a);
  await owner.begin(async (transaction) => {
    await transaction`lock table public.tenant_mcp_servers in access exclusive mode`;
    assertEquals(await list(sql, a, [revision]), { revision, unchanged: true });
    await sql`set lock_timeout = '50ms'`;
    const refused = await list(sql, a, [revision - 1]).catch((error: postgres.PostgresError) => error.code);
    assertEquals(refused, "55P03");
  });
});

test("every statement that changes a server raises the revision, and only of that tenant", async (fixture) => {
  const { sql, owner, a, b } = fixture;
  for (const [name, prefix] of [["s", "p."], ["t", "q."]] as const) {
    await call(sql, "register_mcp_server", a.caller, server(name, prefix));
    await call(sql, "register_mcp_server", b.caller, server(name, prefix));
  }
  const other = (await list(sql, b)).revision;
  const statements = [
    `update public.tenant_mcp_servers set name = 'x' where tenant_id = '${a.id}' and server_id = 's'`,
    `update public.tenant_mcp_servers set enabled = false where tenant_id = '${a.id}'`,
    `delete from public.tenant_mcp_servers where tenant_id = '${a.id}' and server_id = 't'`,
  ];
  for (const statement of statements) {
    const { revision } = await list(sql, a);
    await owner.unsafe(statement);
    assert((await list(sql, a)).revision > revision, statement);
  }
  assertEquals((await list(sql, b)).revision, other);
  const { revision } = await list(sql, a);
  await owner.begin(async (transaction) => {
    await transaction.unsafe(statements[1] ?? "");
    await transaction.unsafe("rollback");
  }).catch(() => {});
  assertEquals((await list(sql, a, [revision])).unchanged, true);
});

test(
  "while eight writers write, the revision never goes back, and each is read with all that was written up to it",
  async (fixture, database) => {
    const { sql, a } = fixture;
    const writers = Array.from({ length: 8 }, () => postgres(cluster.url("authenticator", database), { max: 1 }));
    const seen: { revision: number; count: number }[] = [];
    let isWriting = true;
    const reading = (async () => {
      while (isWriting) {
        const { revision, servers } = await list(sql, a);
        seen.push({ revision, count: servers.length });
      }
    })();
    await Promise.all(writers.map(async (writer, index) => {
      for (let i = 0; i < 20; i++) {
        await call(writer, "register_mcp_server", a.caller, server(`s${index}-${i}`, `p${index}-${i}.`));
      }
      await writer.end();
    }));
    isWriting = false;
    await reading;
    assertEquals((await list(sql, a)).servers.length, 160);
    const counts = new Map(seen.map(({ revision, count }) => [revision, count]));
    // Each write adds one revision and one server.
    for (const [index, { revision, count }] of seen.entries()) {
      assertEquals(count, counts.get(revision), `revision ${revision}`);
      const next = seen[index + 1];
      if (!next) continue;
      const label = `revision ${revision}, then ${next.revision}`;
      assertEquals(Math.sign(next.revision - revision), Math.sign(next.count - count), label);
      assert(next.revision >= revision, label);
    }
    assert(counts.size > 20, `${counts.size} revisions were seen`);
  },
);

test("a restored database does not use a revision again", async ({ sql, owner, a }) => {
  await call(sql, "register_mcp_server", a.caller, server("s", "p."));
  const { revision: backedUp } = await list(sql, a);
  await call(sql, "update_mcp_server", a.caller, "s", { name: "lost" });
  const { revision: known } = await list(sql, a);
  await owner`update public.tenant_server_revisions set revision = ${backedUp} where tenant_id = ${a.id}`;
  await call(sql, "update_mcp_server", a.caller, "s", { name: "after the restore" });
  const { unchanged, servers } = await list(sql, a, [known]);
  assertEquals([unchanged, servers?.[0].name], [undefined, "after the restore"]);
});

test("a register that waits for the deletion of its tenant is refused like one for an unknown tenant", async ({ sql, owner, a }) => {
  const [kernel] = await owner`
    insert into public.kernels (organization_id, name, display_prefix, key_hmac)
    select organization_id, 'kernel', 'krn_test', sha256('k') from public.tenants where id = ${a.id}
    returning encode(key_hmac, 'hex') as digest`;
  const caller = { kernel_key_hmac: kernel?.digest, tenant_id: a.id };
  const [connection] = await sql`select pg_backend_pid() as pid`;
  let registering: Promise<string> | undefined;
  await owner.begin(async (transaction) => {
    await transaction`select public.delete_tenant(${a.id})`;
    registering = call(sql, "register_mcp_server", caller, server("s", "p."))
      .then(() => "registered", (error: postgres.PostgresError) => error.code);
    const isWaiting = async () =>
      (await transaction`select from pg_locks where pid = ${connection?.pid} and not granted`).count > 0;
    while (!await isWaiting());
  });
  assertEquals(await registering, "PT403");
});
