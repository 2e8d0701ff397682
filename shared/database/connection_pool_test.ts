import { assert, assertEquals, assertRejects } from "@std/assert";
import { limitTime } from "../time_limit.ts";
import { type Client, openPool } from "./connection_pool.ts";

const client: Client = { unsafe: () => Promise.resolve([]), end: () => Promise.resolve() };

Deno.test("a call whose time is over while it waits gets no connection later: the next caller does", async () => {
  const pool = openPool(() => client, 1);
  const connection = await pool.acquire();
  const limit = limitTime(10);
  assertEquals((await assertRejects(() => pool.acquire(limit), DOMException)).name, "TimeoutError");
  const next = pool.acquire();
  pool.release(connection);
  assert(await next === connection);
});

Deno.test("calls that wait get the connection in their order", async () => {
  const pool = openPool(() => client, 1);
  const connection = await pool.acquire();
  const served: string[] = [];
  const wait = async (name: string) => {
    const own = await pool.acquire();
    served.push(name);
    pool.release(own);
  };
  const waiting = [wait("first"), wait("second"), wait("third")];
  pool.release(connection);
  await Promise.all(waiting);
  assertEquals(served, ["first", "second", "third"]);
});
