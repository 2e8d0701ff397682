/** Where this process spends its time: V8's profiler, summed by function. */

import { Session } from "node:inspector/promises";

/** A function, or a part of the runtime, and its part of the busy time. */
export interface Share {
  what: string;
  part: number;
}

const SAMPLE_US = 200;
const ROOT = new URL("../../../", import.meta.url).href;

type Profile = Awaited<ReturnType<typeof stopProfiler>>;
type Node = Profile["nodes"][number];

const session = new Session();

export async function startProfiler(): Promise<void> {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
  await session.post("Profiler.start");
}

/** Ends the profile. What the runtime and its calls take counts for the function of ours that called it. */
export async function endProfiler(): Promise<Share[]> {
  const profile = await stopProfiler();
  const times = new Map<string, number>();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const callers = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node])));
  profile.samples?.forEach((id, index) => {
    const node = nodes.get(id);
    if (node === undefined || node.callFrame.functionName === "(idle)") return;
    const what = nameOf(node, callers);
    // The profiler's own start.
    if (what.startsWith(startProfiler.name)) return;
    times.set(what, (times.get(what) ?? 0) + (profile.timeDeltas?.[index] ?? 0));
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times].map(([what, time]) => ({ what, part: time / total })).sort((a, b) => b.part - a.part);
}

async function stopProfiler() {
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return profile;
}

function nameOf(node: Node, callers: Map<number, Node>): string {
  let owner: Node | undefined = node;
  while (owner !== undefined && !owner.callFrame.url.startsWith(ROOT)) owner = callers.get(owner.id);
  if (owner === undefined) return `the runtime: ${node.callFrame.functionName || "a callback"}`;
  const { functionName, url } = owner.callFrame;
  const file = url.slice(ROOT.length).replace(/.*node_modules\//, "").replace(/^.*\/([^/]+\/[^/]+)$/, "$1");
  return `${functionName || "a callback"} in ${file}`;
}
