/** Both projects as processes on one PostgreSQL, for the benchmarks and the soak test. */

import { makeFolder, type Rig, startRig } from "../../test/resilience/processes/rig.ts";

export type { Rig };

/** Starts them in a temporary folder. A file gets their logs: to read them would load the machine. */
export async function openRig(resources: AsyncDisposableStack, settings: string[] = []): Promise<Rig> {
  const folder = await makeFolder();
  resources.defer(() => Deno.remove(folder, { recursive: true }));
  const rig = await startRig(folder, settings, `${folder}/requests.log`);
  resources.defer(() => rig.stop());
  return rig;
}
