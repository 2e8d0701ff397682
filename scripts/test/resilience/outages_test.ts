import { assertEquals } from "@std/assert";
import { assertServes, assertUnavailable, health, type TrafficCaller } from "./traffic/calls.ts";
import {
  assertHolds,
  endSessions,
  keep,
  lockTables,
  readActivity,
  readRows,
  untilRequestsWait,
} from "./traffic/ledger.ts";
import { makeFolder, type Rig, startRig, TRANSPORT } from "./processes/rig.ts";
import { eventually } from "./processes/running.ts";

/** How long the projects may take to recover after the cause ends, in milliseconds. */
const RECOVERY_MS = 30_000;

const folder = await makeFolder();
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const agent: TrafficCaller = { key: rig.tenant.api_key };
const kernel: TrafficCaller = { key: rig.kernelKey, tenantId: rig.tenant.id };

/** A failure: `begin` causes it, and returns a function that undoes it. */
type Begin = (rig: Rig) => Promise<() => Promise<void>>;

/** Registers a test of an outage: which endpoints answer 503 during it, and that no row has changed after it. */
function outage(
  title: string,
  begin: Begin,
  meanwhile: (thing: string) => Promise<unknown>,
  prepare: () => Promise<unknown> = () => Promise.resolve(),
): void {
  Deno.test(title, async () => {
    await prepare();
    const thing = await keep(rig, agent);
    const before = await readRows(rig);
    const end = await begin(rig);
    try {
      await meanwhile(thing);
    } finally {
      await end();
    }
    // Once no call is in flight, no row changes.
    await eventually(RECOVERY_MS, async () => assertEquals((await readActivity(rig)).active, 0));
    assertEquals(await readRows(rig), before);
    for (const project of [rig.hub, rig.vault]) {
      await eventually(RECOVERY_MS, async () => assertEquals(await health(project), 200, project.url));
    }
    await eventually(RECOVERY_MS, () => assertServes(rig.hub, agent));
    await eventually(RECOVERY_MS, () => assertServes(rig.vault, kernel));
    await assertHolds(rig, agent, new Map([[thing, thing]]));
  });
}

/** A pool that lost its connections reopens them gradually. */
async function renewPools(): Promise<void> {
  await Promise.all([rig.restart("hub"), rig.restart("vault")]);
  await eventually(RECOVERY_MS, () => Promise.all([assertServes(rig.hub, agent), assertServes(rig.vault, agent)]));
}

async function assertVaultUnavailable(thing: string): Promise<void> {
  await Promise.all([agent, kernel].map((caller) => assertUnavailable(rig.vault, caller, thing)));
  // This endpoint needs only the vault's own database.
  assertEquals(await health(rig.vault), 200);
}

async function assertBothUnavailable(thing: string): Promise<void> {
  await Promise.all([rig.hub, rig.vault].map((project) => assertUnavailable(project, agent, thing)));
}

outage(
  "requests that wait for a lock longer than the statement timeout answer 503, and write nothing after its release",
  lockTables,
  assertBothUnavailable,
);

/** Failures of the hub's process, which a vault with a direct connection to the hub's database does not need. */
function hubOutages(): void {
  outage(
    "the vault answers 503 on every endpoint while the hub's process is gone, and recovers with a new one",
    async () => {
      await rig.hub.process.kill();
      return () => rig.restart("hub");
    },
    assertVaultUnavailable,
  );

  outage(
    "the vault answers 503 on every endpoint while the hub's process is suspended, and recovers when it resumes",
    ({ hub }) => {
      hub.process.signal("SIGSTOP");
      return Promise.resolve(() => Promise.resolve(hub.process.signal("SIGCONT")));
    },
    assertVaultUnavailable,
  );

  outage(
    "the vault answers 503 on every endpoint while the server at the hub's address accepts connections but never answers",
    async () => {
      await rig.hub.process.kill();
      const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(new URL(rig.hub.url).port) });
      const accepted: Deno.Conn[] = [];
      const accepting = (async () => {
        for await (const connection of listener) accepted.push(connection);
      })();
      return async () => {
        listener.close();
        await accepting;
        for (const connection of accepted) connection.close();
        await rig.restart("hub");
      };
    },
    assertVaultUnavailable,
  );

  outage(
    "the vault answers 503 on every endpoint while the server at the hub's address starts an answer but never ends it",
    async () => {
      await rig.hub.process.kill();
      const port = Number(new URL(rig.hub.url).port);
      const server = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        () =>
          new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) }),
          ),
      );
      return async () => {
        await server.shutdown();
        await rig.restart("hub");
      };
    },
    assertVaultUnavailable,
  );

  outage(
    "the vault answers 503 in time when the hub is slow and its own database is slower",
    async (rig) => {
      const { hub } = rig;
      const port = Number(new URL(hub.url).port);
      const real = await rig.startProject("governance-hub");
      // The data API reads the schema at its first request. The tables must not be locked for that.
      assertEquals(await health(real), 200);
      await hub.process.kill();
      const slow = Deno.serve(
        { hostname: "127.0.0.1", port, onListen: () => {} },
        async ({ method, headers, url, body }) => {
          const answer = await fetch(new URL(new URL(url).pathname, real.url), { method, headers, body });
          const text = await answer.text();
          // Within the hub's time limit, so that the vault continues to its database.
          await new Promise((resolve) => setTimeout(resolve, 800));
          return new Response(text, { status: answer.status, headers: { "content-type": "application/json" } });
        },
      );
      const unlock = await lockTables(rig);
      return async () => {
        await unlock();
        await slow.shutdown();
        await real.process.stop();
        await rig.restart("hub");
      };
    },
    (thing) => assertUnavailable(rig.vault, agent, thing),
  );
}

if (TRANSPORT === "data API") hubOutages();

for (const [how, title] of [["stop", "stopped"], ["kill", "killed"]] as const) {
  outage(
    `both projects answer 503 on every endpoint once PostgreSQL is ${title}, and recover when it is back`,
    async ({ database }) => {
      await database[how]();
      return database.start;
    },
    async (thing) => {
      await assertBothUnavailable(thing);
      assertEquals([await health(rig.hub), await health(rig.vault)], [503, 503]);
    },
  );
}

/** How PostgreSQL interrupts requests in flight. */
const INTERRUPTIONS: [title: string, interrupt: () => Promise<unknown>][] = [
  ["when PostgreSQL crashes", () => rig.database.crash()],
  ["when an administrator ends their sessions", () => endSessions(rig)],
];

for (const [title, interrupt] of INTERRUPTIONS) {
  outage(
    `requests in flight ${title} answer 503 and write nothing, and both projects recover`,
    async ({ database }) => {
      const unlock = await lockTables(rig);
      return async () => {
        await unlock();
        if (!database.isUp()) await database.start();
      };
    },
    async (thing) => {
      const answered = assertBothUnavailable(thing);
      answered.catch(() => {});
      await untilRequestsWait(rig);
      await interrupt();
      await answered;
    },
    renewPools,
  );
}
