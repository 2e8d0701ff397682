/** Requests that send a byte of their body per second get an answer, over real sockets, and block no other request. */

import { assert, assertEquals } from "@std/assert";
import { removeDataFolder } from "../../stack/postgres/system_user.ts";
import { makeFolder, startRig } from "./processes/rig.ts";

const CLIENTS = 300;
/** The deadline for a body is 10 s. The rest allows for a busy machine. */
const ANSWERED_MS = 12_500;

interface SlowBodyOutcome {
  status: number;
  answeredMs: number;
  /** Whether the answer says that the connection ends. Deno's server lets the client or a proxy close it. */
  saysClose: boolean;
}

/** Starts a POST of 1,000 bytes, and sends one byte per second until the answer comes. */
async function sendSlowly(url: URL, key: string | undefined): Promise<SlowBodyOutcome> {
  using connection = await Deno.connect({ hostname: url.hostname, port: Number(url.port) });
  const begun = performance.now();
  const write = (text: string) => connection.write(new TextEncoder().encode(text));
  const timer = setInterval(() => write(" ").catch(() => {}), 1000);
  const keyHeader = key === undefined ? "" : `x-api-key: ${key}\r\n`;
  const head = `POST ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n${keyHeader}content-type: application/json\r\n`;
  try {
    await write(`${head}content-length: 1000\r\n\r\n{`);
    const buffer = new Uint8Array(4096);
    const size = await connection.read(buffer) ?? 0;
    const text = new TextDecoder().decode(buffer.subarray(0, size));
    return {
      status: Number(text.split(" ")[1]),
      answeredMs: performance.now() - begun,
      saysClose: /^connection: close\r$/im.test(text),
    };
  } finally {
    clearInterval(timer);
  }
}

Deno.test("300 POSTs of a byte a second get 401 at once or 408 at the deadline, and a header to close the connection", async (t) => {
  const folder = await makeFolder();
  const rig = await startRig(folder);
  const cases = [
    { name: "without a key", key: undefined, status: 401, withinMs: 5_000 },
    { name: "with a key", key: rig.tenant.api_key, status: 408, withinMs: ANSWERED_MS },
  ];
  const url = new URL(`${rig.hub.url}/functions/v1/mcp-servers/register`);
  try {
    for (const { name, key, status, withinMs } of cases) {
      await t.step(name, async () => {
        const outcomes = await Promise.all(Array.from({ length: CLIENTS }, () => sendSlowly(url, key)));
        assertEquals(new Set(outcomes.map((outcome) => outcome.status)), new Set([status]));
        const slowest = Math.max(...outcomes.map(({ answeredMs }) => answeredMs));
        assert(slowest < withinMs, `answered after ${slowest} ms`);
        assert(outcomes.every(({ saysClose }) => saysClose));
        const health = await fetch(`${rig.hub.url}/functions/v1/mcp-servers/health`);
        assertEquals([health.status, (await health.json()).ok], [200, true]);
      });
    }
  } finally {
    await rig.stop();
    await removeDataFolder(`${folder}/cluster`);
    await Deno.remove(folder, { recursive: true });
  }
});
