import { assert, assertEquals } from "@std/assert";
import postgres from "postgres";
import { openCluster } from "../../test/support/cluster.ts";
import { reserveSingly } from "./single_connections.ts";

Deno.test("reserveSingly() rejects the queries of a lost connection, and connects again for the next request", async () => {
  const cluster = await openCluster();
  const url = cluster.url("supabase_admin", "postgres");
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  const driver = postgres(url, { onnotice: () => {} });
  const close = reserveSingly(driver);
  try {
    // More turns than connections, so that each is lost and used again.
    for (let turn = 0; turn < 25; turn++) {
      const reserved = await driver.reserve();
      await reserved.unsafe("begin");
      const [row] = await reserved.unsafe("select pg_backend_pid() as pid");
      await admin`select pg_terminate_backend(${row?.pid})`;
      // With and without time to notice the loss before the next query.
      if (turn % 2) await new Promise((resolve) => setTimeout(resolve, 20));
      for (const query of ["select 1", "rollback"]) {
        const outcome = await reserved.unsafe(query).then(() => "answered", () => "rejected");
        assertEquals(outcome, "rejected", `turn ${turn}: ${query}`);
      }
      reserved.release();
    }
    const all = await Promise.all(Array.from({ length: 10 }, () => driver.reserve()));
    const pids = await Promise.all(
      all.map(async (one) => (await one.unsafe("select pg_backend_pid() as pid"))[0]?.pid),
    );
    assertEquals(new Set(pids).size, all.length);
    let isWaiting = true;
    const eleventh = driver.reserve().then((one) => {
      isWaiting = false;
      return one;
    });
    await all[0]?.unsafe("select 1");
    assert(isWaiting);
    for (const one of all) one.release();
    assertEquals((await (await eleventh).unsafe("select 1 as one"))[0]?.one, 1);
  } finally {
    await close();
    await driver.end({ timeout: 1 });
    await admin.end({ timeout: 1 });
    await cluster.stop();
  }
});
