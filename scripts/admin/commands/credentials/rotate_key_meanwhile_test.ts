import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  admin,
  adminProcess,
  assertNothingSecretPrinted,
  HOSTED,
  note,
  OLD_KEY,
  type Ran,
  request,
  send,
} from "../../../test/support/admin/program.ts";
import {
  apiKey,
  findWrong,
  insert,
  KEYS,
  NEW_ID,
  OLD_ID,
  readRows,
  refill,
  rotate,
  withProxy,
} from "../../../test/support/admin/vault.ts";

/** Runs through a proxy, as on hosted projects. */
function rotateAt(url: string, ...words: string[]): Promise<Ran> {
  return admin(["rotate-key", "--yes", ...words], { ...HOSTED, ...KEYS, VAULT_URL: url });
}

Deno.test("rotate-key stops after the current batch on Ctrl-C with 130, and continues when run again", async () => {
  await refill({ [OLD_KEY]: 1600 });
  const [second, interrupted] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let swaps = 0;
  const ran = await withProxy(
    async (name, forward) => {
      if (name !== "reseal_credentials" || ++swaps !== 2) return;
      second.resolve();
      // The signal arrives before the answer.
      await interrupted.promise;
      return await forward();
    },
    async (url) => {
      const process = adminProcess(["rotate-key", "--yes", "--json"], { ...HOSTED, ...KEYS, VAULT_URL: url }).spawn();
      const output = process.output();
      await second.promise;
      process.kill("SIGINT");
      interrupted.resolve();
      return note(await output);
    },
  );
  const { stopped, resealed, to_reseal, encryption_keys } = JSON.parse(ran.out);
  assertEquals([ran.code, stopped, resealed, to_reseal, swaps], [130, true, 1000, 1600, 2]);
  assertEquals(encryption_keys[1], { id: OLD_ID, credentials: 600, state: "previous" });
  assertMatch(ran.err, /^error: stopped; run rotate-key again to continue$/m);
  assertEquals((await findWrong(NEW_ID)).length, 600);

  const again = await rotate();
  assertEquals(again.code, 0);
  assertMatch(again.out, /^Re-sealed 600 credentials\.$/m);
  assertEquals(await findWrong(NEW_ID), []);
});

Deno.test("rotate-key keeps the result of a store or a delete between its read and its swap", async () => {
  await refill({ [OLD_KEY]: 5 });
  let isFirst = true;
  const { code, out } = await withProxy(async (name) => {
    if (name !== "reseal_credentials" || !isFirst) return;
    isFirst = false;
    const newer = { service: "1a-2", credentials: { password: "newer" } };
    assertEquals(await request(apiKey, "credentials/store", newer), 200);
    assertEquals(await request(apiKey, "credentials/delete", { service: "1a-4" }), 200);
  }, (url) => rotateAt(url, "--json"));
  assertEquals([code, JSON.parse(out).resealed], [0, 3]);
  const response = await send(apiKey, "credentials/retrieve", { service: "1a-2" });
  assertEquals((await response.json()).data.credentials, { password: "newer" });
  assertEquals(await findWrong(NEW_ID), ["1a-2"]);
  assertEquals((await readRows()).length, 4);
});

Deno.test("rotate-key retries a call that fails for a time, and one whose answer was lost", async () => {
  await refill({ [OLD_KEY]: 700 });
  const failures: Record<string, (forward: () => Promise<Response>) => Promise<Response>> = {
    "list_sealed_credentials 1": () => Promise.resolve(new Response("upstream", { status: 503 })),
    "reseal_credentials 1": () =>
      Promise.resolve(Response.json({ code: "40P01", message: "deadlock" }, { status: 500 })),
    "reseal_credentials 2": async (forward) => {
      await (await forward()).body?.cancel();
      return new Response("bad gateway", { status: 502 });
    },
    "read_status 2": () => Promise.resolve(Response.json({ code: "57014", message: "timeout" }, { status: 500 })),
  };
  const calls: Record<string, number> = {};
  const { code, err } = await withProxy(async (name, forward) => {
    calls[name] = (calls[name] ?? 0) + 1;
    return await failures[`${name} ${calls[name]}`]?.(forward);
  }, (url) => rotateAt(url, "--json"));
  assertEquals(code, 0, err);
  assertEquals(await findWrong(NEW_ID), []);
  assertEquals([calls.reseal_credentials, calls.read_status], [4, 3]);
});

Deno.test("rotate-key gives up on a call that keeps failing, says that finished work is kept, and can be run again", async () => {
  await refill({ [OLD_KEY]: 700 });
  let swaps = 0;
  const failure = () => Response.json({ code: "XX000", message: "?" }, { status: 500 });
  const failing = await withProxy((name) => {
    return Promise.resolve(name === "reseal_credentials" && ++swaps > 1 ? failure() : undefined);
  }, (url) => rotateAt(url));
  assertEquals([failing.code, swaps], [1, 2]);
  assertMatch(
    failing.err,
    /^error: .*reseal_credentials: XX000 .*; re-sealed credentials are kept: run rotate-key again to continue$/m,
  );
  assertEquals((await findWrong(NEW_ID)).length, 200);
  assertEquals((await rotate()).code, 0);
  assertEquals(await findWrong(NEW_ID), []);
});

Deno.test("rotate-key ends at once with 130 on Ctrl-C during the pause before a retry", async () => {
  await refill({ [OLD_KEY]: 2 });
  const waiting = Promise.withResolvers<void>();
  let swaps = 0;
  const begun = performance.now();
  const ran = await withProxy((name) => {
    if (name !== "reseal_credentials") return Promise.resolve();
    // The pause is one second then. The call must not be repeated.
    if (++swaps === 3) setTimeout(waiting.resolve, 100);
    return Promise.resolve(new Response("upstream", { status: 503 }));
  }, async (url) => {
    const process = adminProcess(["rotate-key", "--yes"], { ...HOSTED, ...KEYS, VAULT_URL: url }).spawn();
    const output = process.output();
    await waiting.promise;
    process.kill("SIGINT");
    return note(await output);
  });
  assertEquals([ran.code, swaps], [130, 3]);
  assertMatch(ran.err, /^error: .*is not available \(status 503\); .*run rotate-key again to continue$/m);
  assert(performance.now() - begun < 6000);
  assertEquals((await findWrong(OLD_ID)).length, 0);
});

Deno.test("rotate-key runs another pass for credentials stored under the old key during the first", async () => {
  await refill({ [OLD_KEY]: 3 });
  let statuses = 0;
  const { code, out } = await withProxy(async (name) => {
    if (name === "read_status" && ++statuses === 2) await insert(OLD_KEY, 2, "late");
  }, (url) => rotateAt(url, "--json"));
  assertEquals([code, JSON.parse(out).resealed], [0, 5]);
  assertEquals(await findWrong(NEW_ID), []);
});

Deno.test("rotate-key says to deploy first when an instance still seals under the old key", async () => {
  await refill({ [OLD_KEY]: 3 });
  let statuses = 0;
  const { code, out, err } = await withProxy(async (name) => {
    if (name === "read_status" && ++statuses > 1) await insert(OLD_KEY, 1, `late${statuses}`);
  }, (url) => rotateAt(url, "--json"));
  assertEquals([code, JSON.parse(out).resealed, statuses], [1, 5, 4]);
  assertMatch(
    err,
    /1 credential stored during the run under a previous key.*: deploy the new key first, and run rotate-key again$/m,
  );
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
