import { assertEquals, assertRejects } from "@std/assert";
import * as z from "zod/mini";
import { callHub } from "./call.ts";

Deno.test("callHub() follows no redirect, so that no other server gets the secret key or answers for the project", async () => {
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
    await assertRejects(() => callHub(project, "read_status", {}, z.string()));
    assertEquals(followed, 0);
  } finally {
    await first.shutdown();
    await other.shutdown();
  }
});

Deno.test("callHub() sends a new secret key as apikey only, and a legacy one as a bearer token too", async () => {
  const seen: (string | null)[][] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ headers }) => {
    seen.push([headers.get("apikey"), headers.get("authorization")]);
    return Response.json("answer");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  try {
    for (const secret_key of ["sb_secret_x", "eyJ.legacy.x"]) {
      assertEquals(await callHub({ url, secret_key }, "read_status", {}, z.string()), "answer", secret_key);
    }
    assertEquals(seen, [["sb_secret_x", null], ["eyJ.legacy.x", "Bearer eyJ.legacy.x"]]);
  } finally {
    await server.shutdown();
  }
});
