import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import type { ProjectName } from "../../stack/projects.ts";
import { startCluster } from "../support/cluster.ts";
import { call, type Fixture, openFixture, sealed, server } from "../suites/isolation.ts";

const CONNECTIONS = 32;
const ROUNDS = 100;
/** The longest allowed time of an answer, in milliseconds. */
const SLOWEST_MS = 1000;

const cluster = await startCluster();
Deno.test.afterAll(() => cluster.stop());

interface RaceOutcome {
  /** PT404 or PT409. Undefined if the call succeeded. */
  refusal: string | undefined;
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  data: any;
}

type RaceCall = [name: string, ...parameters: unknown[]];

interface Race extends Fixture {
  /** Makes each call on its own connection, and releases all at once. */
  release(calls: RaceCall[]): Promise<RaceOutcome[]>;
}

function race(
  title: string,
  project: ProjectName,
  round: (race: Race, round: number) => Promise<void>,
  { rounds, connections, end }: { rounds: number; connections: number; end?: () => void } = {
    rounds: ROUNDS,
    connections: CONNECTIONS,
  },
): void {
  Deno.test(`${title}, in ${rounds} rounds of ${connections} connections`, async () => {
    const database = await cluster.createProject(project);
    const fixture = await openFixture(cluster, database, project);
    const racers = Array.from(
      { length: connections },
      () => postgres(cluster.url("authenticator", database), { max: 1 }),
    );
    try {
      await Promise.all(racers.map((sql) => sql`select 1`));
      const release = (calls: RaceCall[]) => releaseTogether(fixture.owner, racers, calls);
      for (let i = 0; i < rounds; i++) await round({ ...fixture, release }, i);
      end?.();
    } finally {
      await Promise.all(racers.map((sql) => sql.end()));
      await fixture.close();
    }
  });
}

/** Each call waits in its transaction for a lock. The lock is released once all calls wait. */
async function releaseTogether(owner: postgres.Sql, racers: postgres.Sql[], calls: RaceCall[]): Promise<RaceOutcome[]> {
  await owner`select pg_advisory_lock(1)`;
  let releasedAt = 0;
  const outcomes = Promise.all(calls.map(async ([name, ...parameters], index): Promise<RaceOutcome> => {
    const sql = racers[index];
    assert(sql);
    try {
      const data = await call(waiting(sql), name, ...parameters);
      return { refusal: undefined, data };
    } catch (error) {
      assert(error instanceof postgres.PostgresError && /^PT4(04|09)$/.test(error.code), String(error));
      return { refusal: error.code, data: undefined };
    } finally {
      assert(performance.now() - releasedAt < SLOWEST_MS, `an answer took longer than ${SLOWEST_MS} ms`);
    }
  }));
  while (true) {
    const [row] = await owner`
      select count(*)::int as waiting from pg_locks
      where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())`;
    if (row?.waiting === calls.length) break;
  }
  releasedAt = performance.now();
  await owner`select pg_advisory_unlock(1)`;
  return await outcomes;
}

/** The same connection, but its transactions first wait for the lock. */
function waiting(sql: postgres.Sql): postgres.Sql {
  return new Proxy(sql, {
    get: (target, name, receiver) =>
      name !== "begin"
        ? Reflect.get(target, name, receiver)
        : (work: (transaction: postgres.TransactionSql) => unknown) =>
          target.begin(async (transaction) => {
            await transaction`select pg_advisory_xact_lock_shared(1)`;
            return await work(transaction);
          }),
  });
}

function winners(outcomes: RaceOutcome[]): number {
  return outcomes.filter(({ refusal }) => refusal === undefined).length;
}

race("of registers of one server_id, one succeeds", "governance-hub", async ({ owner, a, release }, round) => {
  const id = `s${round}`;
  const outcomes = await release(
    Array.from({ length: CONNECTIONS }, (_, i) => ["register_mcp_server", a.caller, server(id, `r${round}-${i}.`)]),
  );
  assertEquals(winners(outcomes), 1);
  assert(outcomes.every(({ refusal }) => refusal === undefined || refusal === "PT409"));
  assertEquals((await owner`select from public.tenant_mcp_servers where server_id = ${id}`).count, 1);
});

race("of registers of overlapping prefixes, one is kept", "governance-hub", async ({ owner, a, release }, round) => {
  const prefixes = [`a${round}.`, `a${round}.b.`, `A${round}.`];
  const outcomes = await release(
    Array.from({ length: CONNECTIONS }, (_, i) => [
      "register_mcp_server",
      a.caller,
      server(`s${round}-${i}`, prefixes[i % 3] ?? ""),
    ]),
  );
  assertEquals(winners(outcomes), 1);
  assert(outcomes.every(({ refusal }) => refusal === undefined || refusal === "PT409"));
  assertEquals((await owner`select from public.tenant_mcp_servers where server_id like ${`s${round}-%`}`).count, 1);
});

race(
  "only one of concurrent updates to overlapping prefixes succeeds, and the others keep their prefix",
  "governance-hub",
  async (race, round) => {
    const { owner, a, release } = race;
    if (round === 0) {
      for (let i = 0; i < CONNECTIONS; i++) {
        await call(
          race.sql,
          "register_mcp_server",
          a.caller,
          server(`s${i}`, `own${i}.`),
        );
      }
    }
    const targets = ["target.", "Target.deeper.", "TARGET."];
    const outcomes = await release(
      Array.from(
        { length: CONNECTIONS },
        (_, i) => ["update_mcp_server", a.caller, `s${i}`, { tool_prefix: targets[i % 3] }],
      ),
    );
    assertEquals(winners(outcomes), 1);
    const rows = await owner`select server_id, tool_prefix from public.tenant_mcp_servers`;
    const moved = rows.filter(({ server_id, tool_prefix }) => tool_prefix !== `own${server_id.slice(1)}.`);
    assertEquals([rows.length, moved.length], [CONNECTIONS, 1]);
    const [winner] = moved;
    await call(race.sql, "update_mcp_server", a.caller, winner?.server_id, {
      tool_prefix: `own${winner?.server_id.slice(1)}.`,
    });
  },
);

race(
  "concurrent stores of one credential all succeed, one creates it, and one complete value is kept",
  "key-vault-executor",
  async (race, round) => {
    const { owner, a, release } = race;
    const values = Array.from({ length: CONNECTIONS }, (_, i) => String.fromCharCode(65 + (i % 26)).repeat(48 + 4 * i));
    const outcomes = await release(values.map((bytes) => ["store_credential", a.caller, sealed(`s${round}`, bytes)]));
    assertEquals(winners(outcomes), CONNECTIONS);
    assertEquals(outcomes.filter(({ data }) => data.created).length, 1);
    assertEquals(new Set(outcomes.map(({ data }) => data.credential_id)).size, 1);
    const rows = await owner`
    select translate(encode(encrypted_credentials, 'base64'), E'\n', '') as bytes
    from public.tenant_credentials where service = ${`s${round}`}`;
    assertEquals(rows.length, 1);
    assert(values.includes(rows[0]?.bytes));
  },
);

race(
  "of concurrent deletes and retrieves, one deletes, and a retrieve gets the complete value or nothing",
  "key-vault-executor",
  async (race, round) => {
    const { owner, sql, a, release } = race;
    const service = `s${round}`;
    await call(sql, "store_credential", a.caller, sealed(service, "D".repeat(48)));
    const selector = { service, credential_type: "api_key" };
    const outcomes = await release(
      Array.from(
        { length: CONNECTIONS },
        (_, i) => [i % 2 ? "delete_credential" : "retrieve_credential", a.caller, selector],
      ),
    );
    const [retrieves, deletes] = [0, 1].map((parity) => outcomes.filter((_, i) => i % 2 === parity));
    assertEquals(winners(deletes ?? []), 1);
    for (const [index, { refusal, data }] of (retrieves ?? []).entries()) {
      const expected = refusal === undefined ? "D".repeat(48) : "PT404";
      assertEquals(refusal ?? data.encrypted_credentials, expected, `retrieve ${index}`);
    }
    assertEquals((await owner`select from public.tenant_credentials where service = ${service}`).count, 0);
  },
);

const wins = { store: 0, reseal: 0 };

race(
  "of a concurrent store and re-seal of one credential, the stored value is never lost, and each sometimes comes first",
  "key-vault-executor",
  async ({ owner, sql, a, release }, round) => {
    const [before, stored, resealed] = ["B", "S", "R"].map((letter) => letter.repeat(48));
    const { credential_id } = await call(sql, "store_credential", a.caller, sealed("amazon", before));
    const store: RaceCall = ["store_credential", a.caller, sealed("amazon", stored)];
    const swap = {
      id: credential_id,
      expected: before,
      encrypted_credentials: resealed,
      encryption_key_id: "fedcba9876543210",
    };
    const reseal: RaceCall = ["reseal_credentials", [swap], "a-rotation"];
    const outcomes = await release(round % 2 ? [store, reseal] : [reseal, store]);
    assertEquals(winners(outcomes), 2);
    const swapped = outcomes[round % 2 ? 1 : 0]?.data.resealed;
    wins[swapped === 1 ? "reseal" : "store"]++;
    const [row] = await owner`
      select translate(encode(encrypted_credentials, 'base64'), E'\n', '') as bytes, encryption_key_id,
        (select count(*)::int from public.credential_events where action = 'rotate' and credential_id = row.id) as rotations
      from public.tenant_credentials as row`;
    assertEquals([row?.bytes, row?.encryption_key_id], [stored, "0123456789abcdef"]);
    assertEquals(row?.rotations, wins.reseal);
  },
  {
    rounds: 1000,
    connections: 2,
    end: () => assert(wins.store > 50 && wins.reseal > 50, JSON.stringify(wins)),
  },
);

Deno.test("a retrieve by id never returns a credential that replaced it during the call", async () => {
  const fixture = await openFixture(cluster, await cluster.createProject("key-vault-executor"), "key-vault-executor");
  const { owner, sql, a } = fixture;
  try {
    const { credential_id } = await call(sql, "store_credential", a.caller, sealed("amazon", "D".repeat(48)));
    const outcome = await owner.begin(async (transaction) => {
      // This lock lets the retrieve read the row, but not change it.
      await transaction`lock table public.tenant_credentials in share row exclusive mode`;
      await transaction`update public.tenant_credentials set id = gen_random_uuid()`;
      let isUnderWay = true;
      const outcome = call(sql, "retrieve_credential", a.caller, { credential_id })
        .then(() => "retrieved", (error: postgres.PostgresError) => error.code)
        .finally(() => isUnderWay = false);
      while (isUnderWay) {
        const [row] = await transaction`
          select count(*)::int as waiting from pg_locks where not granted and pid <> pg_backend_pid()`;
        if (row?.waiting === 1) break;
      }
      return { outcome };
    });
    assertEquals(await outcome.outcome, "PT404");
  } finally {
    await fixture.close();
  }
});
