/** After a tenant is closed and purged, the vault has no credential of it, even if stores were in flight. */

import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { call, refuses, sealed } from "../suites/isolation.ts";
import { withWriters, WRITERS } from "../support/writers.ts";

const ROUNDS = 10;

async function closeAndPurge(sql: postgres.Sql, tenantId: string): Promise<void> {
  await call(sql, "close_tenant", tenantId);
  while (!(await call(sql, "purge_tenant_credentials", tenantId)).done);
}

async function rowsOf(owner: postgres.Sql, tenantId: string): Promise<number> {
  return (await owner`select from public.tenant_credentials where tenant_id = ${tenantId}`).count;
}

Deno.test(`${WRITERS} concurrent writers leave nothing in a tenant that is closed and purged`, () =>
  withWriters("key-vault-executor", async ({ sql, owner, a }, writers) => {
    for (let round = 0; round < ROUNDS; round++) {
      const id = crypto.randomUUID();
      const caller = { ...a.caller, tenant_id: id };
      let stored = 0;
      const write = async (writer: postgres.Sql, index: number) => {
        for (let n = 0; true; n++) {
          try {
            // Two writers share each service, so that replaces meet the purge too.
            await call(writer, "store_credential", caller, sealed(`s${n % 20}-${index >> 1}`));
            stored++;
          } catch (error) {
            assert(error instanceof postgres.PostgresError && error.code === "PT403", String(error));
            return;
          }
        }
      };
      const ends = Promise.all(writers.map(write));
      while (stored < WRITERS) await owner`select 1`;
      await closeAndPurge(sql, id);
      const left = await rowsOf(owner, id);
      await ends;
      assertEquals([left, await rowsOf(owner, id)], [0, 0], `round ${round}`);
    }
  }));

Deno.test("closing a tenant waits for a store that has created a row", () =>
  withWriters("key-vault-executor", async ({ sql, owner, a }, [writer]) => {
    assert(writer);
    let purged: Promise<void> | undefined;
    await writer.begin(async (transaction) => {
      await transaction`set local role service_role`;
      const credential = transaction.json(sealed("late") as postgres.JSONValue);
      await transaction`select store_credential(${transaction.json(a.caller as postgres.JSONValue)}, ${credential})`;
      let isPurged = false;
      purged = closeAndPurge(sql, a.id).then(() => void (isPurged = true));
      const isWaiting = async () =>
        (await owner`
          select from pg_locks where locktype = 'transactionid' and not granted`).count === 1;
      while (!await isWaiting()) assert(!isPurged, "the tenant was closed while a store was under way");
    });
    await purged;
    assertEquals(await rowsOf(owner, a.id), 0);
    await refuses(call(sql, "store_credential", a.caller, sealed("late")), "PT403");
    await closeAndPurge(sql, a.id);
  }));
