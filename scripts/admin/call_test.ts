import { assertEquals, assertRejects } from "@std/assert";
import * as z from "zod/mini";
import { callOperator } from "./call.ts";

Deno.test("callOperator() follows no redirect, so that nobody else has the secret key or is believed", async () => {
  let followed = 0;
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    followed++;
    return Response.json("forged");
  });
  const location = `http://127.0.0.1:${other.addr.port}/`;
  const first = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: 307, headers: { location } }),
  );
  try {
    const project = { url: `http://127.0.0.1:${first.addr.port}`, secret_key: "sb_secret_x" };
    await assertRejects(() => callOperator(project, "list_things", {}, z.string()));
    assertEquals(followed, 0);
  } finally {
    await first.shutdown();
    await other.shutdown();
  }
});
