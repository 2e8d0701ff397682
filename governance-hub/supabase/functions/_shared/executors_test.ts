import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeHub } from "key-vault-executor/executor/testing/make.ts";
import { importSigningKey } from "shared/decision/decision_keys.ts";
import { verifyDecision } from "shared/decision/decision.ts";
import { askExecutor, NoExecutorReachable, rankExecutors } from "./executors.ts";

const URLS = ["https://one.example", "https://two.example", "https://three.example"];
const SUBJECT = {
  tenant_id: "11111111-1111-4111-8111-111111111111",
  organization_id: "22222222-2222-4222-8222-222222222222",
  actor: { kind: "agent" as const, id: "33333333-3333-4333-8333-333333333333" },
};

Deno.test("rankExecutors() spreads servers evenly, whatever the order of the addresses", () => {
  const first = new Map<string, number>();
  for (let count = 0; count < 6000; count++) {
    const [tenant, server] = [crypto.randomUUID(), crypto.randomUUID()];
    const ranked = rankExecutors(URLS, tenant, server);
    assertEquals(rankExecutors(URLS.toReversed(), tenant, server), ranked);
    assertEquals(ranked.toSorted(), URLS.toSorted());
    first.set(ranked[0] ?? "", (first.get(ranked[0] ?? "") ?? 0) + 1);
  }
  for (const url of URLS) assert(Math.abs((first.get(url) ?? 0) - 2000) < 250, `${[...first]}`);
});

Deno.test("rankExecutors() moves only the servers of an Executor that goes, and spreads them over the others", () => {
  const moved = new Map<string, number>();
  for (let count = 0; count < 3000; count++) {
    const server = crypto.randomUUID();
    const [before = "", second = ""] = rankExecutors(URLS, "tenant", server);
    const after = rankExecutors(URLS.slice(0, 2), "tenant", server)[0] ?? "";
    assertEquals(after, before === URLS[2] ? second : before);
    if (before === URLS[2]) moved.set(after, (moved.get(after) ?? 0) + 1);
  }
  for (const url of URLS.slice(0, 2)) assert(Math.abs((moved.get(url) ?? 0) - 500) < 120, `${[...moved]}`);
});

/** A server that is gone: nothing listens on its port. */
async function refusedUrl(): Promise<string> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());
  await server.shutdown();
  return `http://127.0.0.1:${server.addr.port}`;
}

async function ask(urls: string[], requestId = "trace") {
  const hub = await makeHub();
  const key = importSigningKey(hub.signingKeyText);
  if (key === undefined) throw new Error("no key");
  const signal = new AbortController().signal;
  const request = { subject: SUBJECT, path: "/mcp" as const, body: "{}", headers: {}, requestId, signal };
  return { hub, response: await askExecutor(key, urls, request) };
}

Deno.test("askExecutor() asks the next one where the first refuses a connection, with a decision that is used once", async () => {
  const seen: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    seen.push(request.headers.get("authorization") ?? "");
    return new Response("there");
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const ids = new Set<string>();
  // Two requests of one caller may have one id.
  for (let count = 0; count < 2; count++) {
    const { hub, response } = await ask([await refusedUrl(), url, await refusedUrl()], "t".repeat(128));
    assertEquals(await response.text(), "there");
    const token = seen.at(-1)?.slice("Bearer ".length) ?? "";
    const decision = await verifyDecision(token, hub.verifyKeys);
    assertEquals([decision.tenant_id, decision.jti.startsWith("t".repeat(100))], [SUBJECT.tenant_id, true]);
    ids.add(decision.jti);
  }
  assertEquals([seen.length, ids.size], [2, 2]);
  await server.shutdown();
  await assertRejects(() => ask([url]), NoExecutorReachable);
  await assertRejects(() => ask([]), NoExecutorReachable);
});

Deno.test("askExecutor() never sends a request again that may have begun, and follows no redirect", async () => {
  let taken = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepting = (async () => {
    for await (const connection of listener) {
      taken++;
      await connection.read(new Uint8Array(10_000));
      connection.close();
    }
  })();
  let asked = 0;
  const other = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => {
    asked++;
    return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  });
  const otherUrl = `http://127.0.0.1:${other.addr.port}`;
  const error = await assertRejects(() => ask([`http://127.0.0.1:${listener.addr.port}`, otherUrl]));
  assertEquals([error instanceof NoExecutorReachable, taken, asked], [false, 1, 0]);
  listener.close();
  await accepting.catch(() => {});
  await assertRejects(() => ask([otherUrl]));
  assertEquals(asked, 1);
  await other.shutdown();
});
