import { assert, assertEquals, assertRejects } from "@std/assert";
import { startCluster } from "../support/cluster.ts";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { DatabaseError } from "shared/database/database_error.ts";
import { callDirectly, closeDirectConnections, CONNECTIONS, readOptions } from "shared/database/direct_connection.ts";

const cluster = await startCluster();
const name = await cluster.createDatabase();
const url = cluster.url("supabase_admin", name);
const database = { databaseUrl: url };
Deno.test.afterAll(async () => {
  await closeDirectConnections();
  await cluster.stop();
});

await withConnection(url, async (run) => {
  await run(`create function public.echo(caller jsonb, server_id text default null, version int default null)
    returns jsonb language sql as $$ select jsonb_build_object('caller', caller, 'server_id', server_id, 'version', version) $$`);
  await run(`create function public.refuse_it(caller jsonb) returns jsonb language plpgsql as $$ begin
    raise exception using errcode = 'PT409', message = 'server_id_taken', detail = '{"a":1}'; end $$`);
  await run(`create function public.sleep_for(seconds float8) returns jsonb language sql as $$
    select to_jsonb(pg_sleep(seconds)::text) $$`);
  await run(
    `create function public.backend(caller jsonb) returns jsonb language sql as $$ select to_jsonb(pg_backend_pid()) $$`,
  );
});

function call(name: string, parameters: Record<string, unknown>, timeoutMs = 4400): Promise<unknown> {
  return callDirectly(database, name, parameters, timeoutMs);
}

function kill(): Promise<unknown> {
  return withConnection(
    url,
    (run) => run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'edge-functions'"),
  );
}

async function failureOf(promise: Promise<unknown>) {
  return (await assertRejects(() => promise, DatabaseError)).failure;
}

Deno.test("callDirectly() passes parameters by name, JSON and text alike, and returns the one value", async () => {
  const caller = { a: [1, "'; drop table x; --", null], "ü": { deep: true } };
  const expected = { caller, server_id: '"quoted" \\ text', version: 3 };
  for (let turn = 0; turn < 12; turn++) assertEquals(await call("echo", { ...expected }), expected, `call ${turn}`);
  assertEquals(await call("echo", { caller, version: undefined }), { caller, server_id: null, version: null });
});

Deno.test("callDirectly() throws what a function raised", async () => {
  const failure = await failureOf(call("refuse_it", { caller: {} }));
  assertEquals([failure.code, failure.message, failure.detail], ["PT409", "server_id_taken", '{"a":1}']);
  assertEquals((await failureOf(call("no_such_function", { caller: {} }))).code, "42883");
});

Deno.test("callDirectly() leaves nothing of a failed call in the driver's cache, which is never emptied", async () => {
  const { set } = Map.prototype;
  const kept: unknown[] = [];
  // The driver's key is the list of a statement's parts.
  Map.prototype.set = function (key, value) {
    if (Array.isArray(key)) kept.push(key);
    return set.call(this, key, value);
  };
  try {
    for (let turn = 0; turn < 3; turn++) await failureOf(call("refuse_it", { caller: {} }));
  } finally {
    Map.prototype.set = set;
  }
  assertEquals(kept, []);
});

Deno.test("callDirectly() times out, and the next call is answered", async () => {
  const started = performance.now();
  const calls = Array.from({ length: CONNECTIONS }, () => failureOf(call("sleep_for", { seconds: 30 }, 300)));
  for (const { code, message } of await Promise.all(calls)) assertEquals(code, "", message);
  assert(performance.now() - started < 2000);
  assertEquals(await call("echo", { caller: 1 }), { caller: 1, server_id: null, version: null });
});

Deno.test("callDirectly() times out while it waits for a connection", async () => {
  const busy = Array.from({ length: CONNECTIONS }, () => call("sleep_for", { seconds: 0.8 }));
  const started = performance.now();
  assertEquals((await failureOf(call("echo", { caller: 1 }, 200))).code, "");
  const ms = performance.now() - started;
  assert(ms < 700, `it waited ${ms} ms, until a connection was free`);
  await Promise.all(busy);
  assertEquals(await call("echo", { caller: 2 }), { caller: 2, server_id: null, version: null });
});

Deno.test("the limit of a call that was answered does not end the next call on its connection", async () => {
  const onEach = (work: () => Promise<unknown>) => Promise.all(Array.from({ length: CONNECTIONS }, work));
  await onEach(() => call("echo", { caller: 1 }, 300));
  await onEach(() => call("sleep_for", { seconds: 0.6 }));
});

Deno.test("callDirectly() reports no answer when the connection is lost, and the next call works", async () => {
  for (let turn = 0; turn < 3; turn++) {
    const asleep = Array.from({ length: CONNECTIONS }, () => failureOf(call("sleep_for", { seconds: 20 })));
    await call("echo", { caller: 1 }, 200).catch(() => {});
    await kill();
    for (const { code } of await Promise.all(asleep)) assert(["", "57P01"].includes(code), code);
    const after = await Promise.all(Array.from({ length: 4 * CONNECTIONS }, () => call("echo", { caller: 1 })));
    assertEquals(after.length, 4 * CONNECTIONS, `kill ${turn}`);
  }
});

Deno.test("callDirectly() works after idle connections were lost", async () => {
  const before = await Promise.all(Array.from({ length: CONNECTIONS }, () => call("backend", { caller: 1 })));
  await kill();
  // The socket reports the loss of an idle connection. A call that comes before the report is answered 503.
  let now: unknown;
  for (const end = Date.now() + 5000; now === undefined && Date.now() < end;) {
    now = await call("backend", { caller: 1 }).catch(() => undefined);
  }
  assert(typeof now === "number" && !before.includes(now));
});

Deno.test("callDirectly() fails at once if nobody listens", async () => {
  const nobody = { databaseUrl: "postgresql://x:y@127.0.0.1:1/z" };
  const started = performance.now();
  const { code } = await failureOf(callDirectly(nobody, "echo", { caller: 1 }, 4400));
  assertEquals(code, "");
  assert(performance.now() - started < 2000);
});

Deno.test("callDirectly() keeps two tenants apart in 400 alternating calls over each connection", async () => {
  for (const options of ["", "?pgbouncer=true"]) {
    const echo = (caller: string) => callDirectly({ databaseUrl: url + options }, "echo", { caller }, 4400);
    const callers = Array.from({ length: 400 }, (_, call) => `tenant-${call % 2}`);
    const answers = await Promise.all(callers.map(echo));
    assertEquals(answers, callers.map((caller) => ({ caller, server_id: null, version: null })), options);
  }
});

Deno.test("readOptions() verifies TLS except on this machine, even if the address says otherwise", () => {
  const sslOf = (databaseUrl: string, databaseCa?: string) => readOptions({ databaseUrl, databaseCa }).ssl;
  for (const host of ["localhost:5432", "127.0.0.1:5432", "[::1]:5432"]) {
    assertEquals(sslOf(`postgresql://a:b@${host}/c`), false, host);
  }
  const host = "db.example.com";
  for (const query of ["", "?sslmode=disable", "?ssl=false&sslmode=require"]) {
    assertEquals(sslOf(`postgresql://a:b@${host}:5432/c${query}`), { host, rejectUnauthorized: true }, query);
  }
  assertEquals(sslOf(`postgresql://a:b@${host}/c`, "PEM"), { host, ca: "PEM", rejectUnauthorized: true });
});

Deno.test("readOptions() prepares no statements behind a pooler in transaction mode", () => {
  const prepares = (rest: string) => readOptions({ databaseUrl: `postgresql://a:b@db.example.com${rest}` }).prepare;
  assertEquals([prepares(":5432/c"), prepares(":6543/c"), prepares(":5432/c?pgbouncer=true")], [true, false, false]);
});

Deno.test("readOptions() reads escaped names and passwords, and IPv6 addresses", () => {
  const options = readOptions({ databaseUrl: "postgresql://role.ref:p%40%2F%3A@[2001:db8::1]:6000/data%20base" });
  const { host, port, username, password, database } = options;
  assertEquals([host, port, username, password, database], [["2001:db8::1"], [6000], "role.ref", "p@/:", "data base"]);
});

Deno.test("closeDirectConnections() ends them all", async () => {
  await call("echo", { caller: 1 });
  await closeDirectConnections();
  const open = await withConnection(
    url,
    (run) => run("select from pg_stat_activity where application_name = 'edge-functions'"),
  );
  assertEquals(open.length, 0);
});
