/** A tenant never has more servers than its quota, even with concurrent registers. */

import { assertEquals } from "@std/assert";
import { call, type Fixture, refuses, server } from "../suites/isolation.ts";
import { withWriters, WRITERS } from "../support/writers.ts";

const DEFAULT_QUOTA = 1000;

/** The operators' call. */
async function setQuota({ sql }: Fixture, tenantId: string, quota: number): Promise<unknown> {
  return await sql.begin(async (transaction) => {
    await transaction`set local role service_role`;
    const [row] = await transaction`select set_server_quota(${tenantId}, ${quota}) as answer`;
    return row?.answer;
  });
}

/** The number of the tenant's servers, and the stored count. */
async function counts({ owner, a }: Fixture): Promise<[number, number]> {
  const [row] = await owner`
    select (select count(*)::integer from public.tenant_mcp_servers where tenant_id = ${a.id}) as rows,
      (select server_count from public.tenant_server_revisions where tenant_id = ${a.id}) as counted`;
  return [row?.rows, row?.counted];
}

Deno.test(`${WRITERS} concurrent registers at one below the quota add exactly one server`, () =>
  withWriters("governance-hub", async (fixture, writers) => {
    const { a } = fixture;
    for (let quota = 1; quota <= 10; quota++) {
      await setQuota(fixture, a.id, quota);
      const outcomes = await Promise.all(
        writers.map((writer, index) =>
          call(writer, "register_mcp_server", a.caller, server(`s${quota}-${index}`, `p${quota}-${index}.`)).then(
            () => "registered",
            ({ code, message, detail }) => `${code} ${message} ${JSON.parse(detail).quota}`,
          )
        ),
      );
      const refused = `PT409 quota_exceeded ${quota}`;
      assertEquals(outcomes.sort(), [...Array(WRITERS - 1).fill(refused), "registered"], refused);
      assertEquals(await counts(fixture), [quota, quota], refused);
    }
  }));

Deno.test("an update never counts, a delete makes room, and each tenant has its own quota", () =>
  withWriters("governance-hub", async (fixture) => {
    const { sql, a, b } = fixture;
    const register = (id: string) => call(sql, "register_mcp_server", a.caller, server(id, `${id}.`));
    await setQuota(fixture, a.id, 2);
    for (const id of ["one", "two"]) await register(id);
    await refuses(register("three"), "PT409");
    await call(sql, "register_mcp_server", b.caller, server("three", "three."));
    for (const change of [{ enabled: false }, { enabled: true }, { tool_prefix: "uno." }]) {
      await call(sql, "update_mcp_server", a.caller, "one", change);
    }
    assertEquals(await counts(fixture), [2, 2]);
    await call(sql, "delete_mcp_server", a.caller, "one");
    await register("three");
    await refuses(register("one"), "PT409");
    assertEquals(await counts(fixture), [2, 2]);
  }));

Deno.test(`a tenant may have ${DEFAULT_QUOTA} servers by default, or the operator's number, and a lower number deletes none`, () =>
  withWriters("governance-hub", async (fixture) => {
    const { sql, owner, a } = fixture;
    const register = (id: string) => call(sql, "register_mcp_server", a.caller, server(id, `${id}.`));
    await owner`
      insert into public.tenant_mcp_servers (tenant_id, server_id, name, command, args, tool_prefix)
      select ${a.id}, 'n' || number, 'n', 'c', '{a}', 'n' || number || '.'
      from generate_series(1, ${DEFAULT_QUOTA - 1}) as number`;
    await register("last");
    await refuses(register("more"), "PT409");
    assertEquals(await setQuota(fixture, a.id, DEFAULT_QUOTA + 1), { servers: 1000, max_servers: 1001 });
    await register("more");
    assertEquals(await setQuota(fixture, a.id, 0), { servers: 1001, max_servers: 0 });
    await call(sql, "update_mcp_server", a.caller, "more", { name: "changed" });
    assertEquals(await setQuota(fixture, crypto.randomUUID(), 1), null);
    await refuses(setQuota(fixture, a.id, -1), "23514");
    await owner`delete from public.tenant_mcp_servers where tenant_id = ${a.id}`;
    assertEquals(await counts(fixture), [0, 0]);
    await refuses(register("none"), "PT409");
  }));
