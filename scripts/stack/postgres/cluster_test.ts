import { assertEquals, assertRejects } from "@std/assert";
import { openCluster } from "../../test/support/cluster.ts";
import { withConnection } from "./cluster.ts";
import { freePort } from "../ready.ts";

/** Passes one connection on to a server until the client's `cutAt`th message, and then ends it. Returns its port. */
function cuttingProxy(target: number, cutAt: number): number {
  const port = freePort();
  const listener = Deno.listen({ hostname: "127.0.0.1", port });
  const serve = async () => {
    const client = await listener.accept();
    listener.close();
    const server = await Deno.connect({ hostname: "127.0.0.1", port: target });
    server.readable.pipeTo(client.writable).catch(() => {});
    const writer = server.writable.getWriter();
    let messages = 0;
    for await (const chunk of client.readable) {
      if (++messages === cutAt) break;
      await writer.write(chunk);
    }
    await writer.close();
  };
  serve().catch(() => {});
  return port;
}

Deno.test("withConnection() rejects, and leaves nothing uncaught, wherever its connection is lost", async (t) => {
  const cluster = await openCluster();
  const url = new URL(cluster.url("supabase_admin", "postgres"));
  try {
    // The start, the two messages of the password, and then the queries.
    for (const cutAt of [1, 2, 3, 4, 5]) {
      await t.step(`at message ${cutAt}`, async () => {
        const cut = new URL(url);
        cut.port = `${cuttingProxy(Number(url.port), cutAt)}`;
        await assertRejects(() =>
          withConnection(cut.href, async (run) => {
            await run("select 1");
            await run("select 2");
          })
        );
      });
    }
    assertEquals(await withConnection(url.href, (run) => run("select 1 as one")), [{ one: 1 }]);
  } finally {
    await cluster.stop();
  }
});
