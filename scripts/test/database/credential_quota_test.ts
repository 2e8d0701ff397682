/** A tenant never has more credentials than its quota, even with concurrent stores. */

import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { call, type Fixture, refuses, sealed } from "../suites/isolation.ts";
import { withWriters, WRITERS } from "../support/writers.ts";

const DEFAULT_QUOTA = 10_000;

/** The operators' call. Without a number, it sets the default. */
async function setQuota({ sql, a }: Fixture, ...quota: (number | null)[]): Promise<unknown> {
  return await sql.begin(async (transaction) => {
    await transaction`set local role service_role`;
    const [row] = quota.length === 0
      ? await transaction`select set_credential_quota(${a.id}) as answer`
      : await transaction`select set_credential_quota(${a.id}, ${quota[0] ?? null}::integer) as answer`;
    return row?.answer;
  });
}

/** The number of the tenant's credentials, and the stored count. */
async function counts({ owner, a }: Fixture): Promise<[number, number]> {
  const [row] = await owner`
    select (select count(*)::integer from public.tenant_credentials where tenant_id = ${a.id}) as rows,
      (select credentials from public.vault_tenants where tenant_id = ${a.id}) as counted`;
  return [row?.rows, row?.counted];
}

Deno.test(`${WRITERS} concurrent stores of new credentials at one below the quota store exactly one`, () =>
  withWriters("key-vault-executor", async (fixture, writers) => {
    const { a } = fixture;
    for (let round = 1; round <= 10; round++) {
      await setQuota(fixture, round);
      const outcomes = await Promise.all(
        writers.map((writer, index) =>
          call(writer, "store_credential", a.caller, sealed(`r${round}-${index}`)).then(
            () => "stored",
            ({ code, message, detail }) => `${code} ${message} ${detail}`,
          )
        ),
      );
      const refused = `PT409 quota_exceeded {"quota": ${round}}`;
      assertEquals(outcomes.sort(), [...Array(WRITERS - 1).fill(refused), "stored"], `round ${round}`);
      assertEquals(await counts(fixture), [round, round], `round ${round}`);
    }
  }));

Deno.test("a replace never counts, a delete makes room, and each tenant has its own quota", () =>
  withWriters("key-vault-executor", async (fixture) => {
    const { sql, a, b } = fixture;
    const store = (service: string) => call(sql, "store_credential", a.caller, sealed(service));
    await setQuota(fixture, 2);
    for (const service of ["one", "two", "one", "two"]) await store(service);
    await refuses(store("three"), "PT409");
    await call(sql, "store_credential", b.caller, sealed("three"));
    await refuses(call(sql, "delete_credential", a.caller, { service: "none", credential_type: "api_key" }), "PT404");
    await refuses(store("three"), "PT409");
    await call(sql, "delete_credential", a.caller, { service: "one", credential_type: "api_key" });
    await store("three");
    await refuses(store("one"), "PT409");
    assertEquals(await counts(fixture), [2, 2]);
    await call(sql, "purge_tenant_credentials", a.id);
    assertEquals(await counts(fixture), [0, 0]);
  }));

Deno.test("an operator can set a quota, lower it below the current number, and set the default again", () =>
  withWriters("key-vault-executor", async (fixture) => {
    const { sql, a } = fixture;
    const set = (...quota: (number | null)[]) => setQuota(fixture, ...quota);
    assertEquals(await set(null), { credentials: 0, max_credentials: DEFAULT_QUOTA });
    for (const service of ["one", "two"]) await call(sql, "store_credential", a.caller, sealed(service));
    assertEquals(await set(0), { credentials: 2, max_credentials: 0 });
    await refuses(call(sql, "store_credential", a.caller, sealed("three")), "PT409");
    assertEquals((await call(sql, "store_credential", a.caller, sealed("two"))).created, false);
    await refuses(set(-1), "23514");
    assertEquals(await set(3), { credentials: 2, max_credentials: 3 });
    await call(sql, "store_credential", a.caller, sealed("three"));
    assertEquals(await set(), { credentials: 3, max_credentials: DEFAULT_QUOTA });
  }));

Deno.test(`a tenant has at most ${DEFAULT_QUOTA} credentials if no operator has set a quota`, () =>
  withWriters("key-vault-executor", async ({ sql, owner, a }) => {
    await call(sql, "store_credential", a.caller, sealed("first"));
    await owner`update public.vault_tenants set credentials = ${DEFAULT_QUOTA - 1} where tenant_id = ${a.id}`;
    await call(sql, "store_credential", a.caller, sealed("last"));
    await refuses(call(sql, "store_credential", a.caller, sealed("too-many")), "PT409");
    assert((await call(sql, "list_credentials", a.caller, { limit: 10 })).credentials.length === 2);
  }));

Deno.test("after concurrent stores, replaces, deletes and a purge, the count matches the rows", () =>
  withWriters("key-vault-executor", async (fixture, writers) => {
    const { sql, a } = fixture;
    let isOver = false;
    const ends = Promise.all(writers.map(async (writer, index) => {
      for (let n = 0; !isOver; n++) {
        const service = `s${(n * 7 + index) % 30}`;
        const act = n % 3 === 2
          ? call(writer, "delete_credential", a.caller, { service, credential_type: "api_key" })
          : call(writer, "store_credential", a.caller, sealed(service));
        await act.catch((error) =>
          assert(error instanceof postgres.PostgresError && error.code === "PT404", `${error}`)
        );
      }
    }));
    for (let round = 0; round < 20; round++) await call(sql, "purge_tenant_credentials", a.id);
    isOver = true;
    await ends;
    const [rows, counted] = await counts(fixture);
    assertEquals(counted, rows);
  }));
