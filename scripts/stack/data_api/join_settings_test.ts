import { assertEquals } from "@std/assert";
import postgres from "postgres";
import { openCluster } from "../../test/support/cluster.ts";
import { joinSettings } from "./join_settings.ts";

Deno.test("joinSettings() sends settings in one statement, before the next query of their transaction", async () => {
  const cluster = await openCluster();
  const sql = postgres(cluster.url("supabase_admin", "postgres"), { max: 1, onnotice: () => {} });
  const sent: string[] = [];
  const run = joinSettings(async (text, values = []): Promise<unknown> => {
    sent.push(text);
    return [...await sql.unsafe(text, values.map(String))];
  }, []);
  try {
    await run("begin");
    assertEquals(await run("SELECT set_config('role', $1, true)", ["postgres"]), []);
    await run("SELECT set_config('request.headers', $1, true)", ['{"a":"\'1\'"}']);
    await run("SELECT set_config('response.status', '', true)");
    const read =
      "select current_user, current_setting('request.headers') as headers, current_setting('response.status') as status";
    assertEquals(await run(read), [{ current_user: "postgres", headers: '{"a":"\'1\'"}', status: "" }]);
    await run("commit");
    assertEquals(await run("select current_user"), [{ current_user: "supabase_admin" }]);
    const settings =
      "select set_config('role', $1, true), set_config('request.headers', $2, true), set_config('response.status', $3, true)";
    assertEquals(sent, ["begin", settings, read, "commit", "select current_user"]);
  } finally {
    await sql.end();
    await cluster.stop();
  }
});
