import { assert, assertEquals } from "@std/assert";
import { askAll, assertServes, SLOWEST_MS, type TrafficCaller } from "./traffic/calls.ts";
import { mountSmallDisk, type SmallDisk } from "./processes/full_disk.ts";
import { assertHolds, readRows, registerServer, storeCredential, type TrafficReply } from "./traffic/ledger.ts";
import { type Rig, startRig } from "./processes/rig.ts";
import { eventually } from "./processes/running.ts";

/** Names of acknowledged and of refused things. */
interface FullDiskOutcome {
  acknowledged: string[];
  refused: string[];
}

let disk: SmallDisk;
let rig: Rig;
Deno.test.beforeAll(async () => {
  disk = await mountSmallDisk(160);
  rig = await startRig(disk.folder, ["min_wal_size=32MB", "max_wal_size=32MB"]);
});
Deno.test.afterAll(async () => {
  await rig?.stop();
  await disk?.unmount();
});

Deno.test("a full disk makes writes answer 503, loses no acknowledged write and keeps no refused one", async () => {
  const agent: TrafficCaller = { key: rig.tenant.api_key };
  const secrets = new Map<string, string>();
  const store = (name: string) => {
    secrets.set(name, name + "s".repeat(60_000));
    return storeCredential(rig, agent, name, secrets.get(name) ?? "");
  };
  const register = (name: string) =>
    registerServer(rig, agent, name, Array.from({ length: 8 }, () => crypto.randomUUID().repeat(113)));
  const before = await writeUntilRefused(store, 3);
  assertEquals(before.refused, []);

  await disk.fill();
  const stores = await writeUntilRefused(store, 100);
  const registers = await writeUntilRefused(register, 100);
  assertEquals([stores.refused.length, registers.refused.length], [1, 1], "the disk is not full");
  for (const { process } of [rig.hub, rig.vault]) assert(process.output().includes(" 53100"), "another cause");
  for (const project of [rig.hub, rig.vault]) {
    for (const { path, status } of await askAll(project, agent)) {
      // The decision of the request is made up: the vault refuses it before it writes.
      const expected = path === "credentials/use" ? [403, 503] : [200, 201, 404, 503];
      assert(expected.includes(status), `${path} answered ${status}`);
    }
  }
  await disk.empty();

  if (!rig.database.isUp()) await rig.database.start();
  await eventually(30_000, () => assertServes(rig.hub, agent));
  await eventually(30_000, () => assertServes(rig.vault, agent));
  const kept = [...before.acknowledged, ...stores.acknowledged];
  await assertHolds(rig, agent, new Map([...secrets].filter(([name]) => kept.includes(name))));
  const rows = await readRows(rig);
  for (const name of stores.refused) assert(!rows["key-vault-executor"].some((row) => row.includes(name)), name);
  for (const name of registers.refused) assert(!rows["governance-hub"].some((row) => row.includes(name)), name);
  for (const name of registers.acknowledged) assert(rows["governance-hub"].some((row) => row.includes(name)), name);
});

/** Writes new things until one is refused. */
async function writeUntilRefused(
  write: (name: string) => Promise<TrafficReply>,
  most: number,
): Promise<FullDiskOutcome> {
  const outcome: FullDiskOutcome = { acknowledged: [], refused: [] };
  for (let i = 0; i < most; i++) {
    const name = crypto.randomUUID();
    const { status, code, ms } = await write(name);
    assert(ms <= SLOWEST_MS, `an answer took ${Math.round(ms)} ms`);
    if (status !== 201) {
      assertEquals([status, code], [503, "unavailable"], name);
      outcome.refused.push(name);
      break;
    }
    outcome.acknowledged.push(name);
  }
  return outcome;
}
