import { assert, assertEquals } from "@std/assert";
import { assertServes, assertUnavailable, health, type TrafficCaller } from "./traffic/calls.ts";
import { CONFIGURATIONS, MARK } from "./processes/configuration.ts";
import { readRows } from "./traffic/ledger.ts";
import { makeFolder, startRig } from "./processes/rig.ts";

const folder = await makeFolder();
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const agent: TrafficCaller = { key: rig.tenant.api_key };
const kernel: TrafficCaller = { key: rig.kernelKey, tenantId: rig.tenant.id };

const WHO = { all: "serves everyone", agents: "serves agents, and answers kernels 503", none: "answers everyone 503" };

for (const { project, title, variables, served, told } of CONFIGURATIONS) {
  Deno.test(`${project} with ${title} ${WHO[served]}, on every endpoint`, async () => {
    const before = await readRows(rig);
    const running = await rig.startProject(project, { environment: variables });
    try {
      await (served === "all" ? assertServes : assertUnavailable)(running, kernel);
      if (served !== "all") assertEquals((await readRows(rig))[project], before[project]);
      await (served === "none" ? assertUnavailable : assertServes)(running, agent);
      if (served === "none") assertEquals(await readRows(rig), before);
      const output = running.process.output();
      if (told !== undefined) {
        assertEquals(await health(running), served === "none" ? 503 : 200);
        assert(output.includes(`"cause":"${told}`), output.slice(0, 1000));
      }
      assert(!output.includes(MARK), "the log quotes the value");
    } finally {
      await running.process.stop();
    }
  });
}
