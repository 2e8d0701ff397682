import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import postgres from "postgres";
import { DatabaseError } from "shared/database/database_error.ts";
import { callDirectly, closeDirectConnections } from "shared/database/direct_connection.ts";
import { admin, hub, hubSql, json, vault } from "../../../test/support/admin/program.ts";

Deno.test.afterAll(async () => {
  await closeDirectConnections();
  // The functions of the stack have the password of before.
  await hubSql.unsafe(`alter role function_caller password '${new URL(hub.database_url ?? "").password}'`);
});

async function codeOf(databaseUrl: string, name: string, parameters: Record<string, unknown>): Promise<string> {
  const call = () => callDirectly({ databaseUrl }, name, parameters, 4000);
  return (await assertRejects(call, DatabaseError)).failure.code;
}

Deno.test("database-role prints an address that may call the endpoints' functions and nothing else", async () => {
  const projects = [["hub", hub, "list_mcp_servers"], ["vault", vault, "list_credentials"]] as const;
  for (const [name, project, endpoint] of projects) {
    const { database_url, role } = await json("database-role", name, "--address", project.database_url ?? "");
    assertEquals(role, "function_caller", name);
    assertEquals(await codeOf(database_url, endpoint, { caller: {}, filter: {} }), "PT401", name);
    assertEquals(await codeOf(database_url, "read_status", {}), "42501", name);
    assertEquals(await codeOf(database_url, "set_caller_password", { verifier: "x" }), "42501", name);
    const sql = postgres(database_url, { max: 1, onnotice: () => {} });
    for (
      const statement of [
        "select * from public.tenants",
        "select * from public.tenant_credentials",
        "create table public.t ()",
      ]
    ) {
      const error = await sql.unsafe(statement).then(() => undefined, ({ code }) => code);
      assert(["42501", "42P01"].includes(error), `${name}: ${statement}: ${error}`);
    }
    await sql.end();
  }
});

Deno.test("database-role replaces the password: the one before no longer connects", async () => {
  const address = hub.database_url ?? "";
  const { database_url: before } = await json("database-role", "hub", "--address", address);
  await json("database-role", "hub", "--address", address);
  assertEquals(await codeOf(before, "list_mcp_servers", { caller: {}, filter: {} }), "28P01");
});

Deno.test("database-role keeps the project's reference of a pooler's address, its port and its query", async () => {
  const address = "postgresql://postgres.abcd:old@pooler.example:6543/postgres?pgbouncer=true";
  const { database_url } = await json("database-role", "hub", "--address", address);
  assertMatch(
    database_url,
    /^postgresql:\/\/function_caller\.abcd:[0-9a-f]{64}@pooler\.example:6543\/postgres\?pgbouncer=true$/,
  );
});

Deno.test("database-role refuses a malformed address and an unknown project, in one sentence", async () => {
  for (const words of [["hub", "--address", "localhost"], ["hub", "--address", "https://x/y"]]) {
    const { code, err } = await admin(["database-role", ...words]);
    assertEquals(code, 1, words.join(" "));
    assertMatch(err, /^error: --address must be a database's address: /, words.join(" "));
  }
  const { err } = await admin(["database-role", "hubb", "--address", hub.database_url ?? ""]);
  assertMatch(err, /^error: the project must be hub or vault, not hubb/);
});
