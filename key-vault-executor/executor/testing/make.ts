/** What the tests of this folder share: a hub's keys and decisions about made-up tenants and servers. */

import { type DecidedServer, signDecision, type Subject } from "shared/decision/decision.ts";
import { importSigningKey, importVerifyKeys, makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { findCommands } from "../launch/program.ts";
import { DEFAULT_LIMITS, NOBODY, type SandboxOptions } from "../launch/sandbox.ts";

const encoder = new TextEncoder();

/** A hub, as far as the Executor sees one: the holder of the signing key. */
export interface TestHub {
  /** As DECISION_SIGNING_KEY has it. */
  signingKeyText: string;
  verifyKeys: CryptoKey[];
  verifyKeysText: string;
  sign(subject: Partial<Subject>, body: string, lifetime?: number, now?: number): string;
}

export async function makeHub(): Promise<TestHub> {
  const { signingKey, verifyKey } = await makeDecisionKeys();
  const key = importSigningKey(signingKey);
  const verifyKeys = await importVerifyKeys(verifyKey);
  if (key === undefined || verifyKeys === undefined) throw new Error("new keys do not have the form of keys");
  return {
    signingKeyText: signingKey,
    verifyKeys,
    verifyKeysText: verifyKey,
    sign: (subject, body, lifetime, now) => signDecision(subjectOf(subject), encoder.encode(body), key, lifetime, now),
  };
}

/** A whole subject: what is not given is made up. */
export function subjectOf(subject: Partial<Subject> = {}): Subject {
  return {
    jti: crypto.randomUUID(),
    tenant_id: "11111111-1111-4111-8111-111111111111",
    organization_id: "22222222-2222-4222-8222-222222222222",
    actor: { kind: "agent", id: "33333333-3333-4333-8333-333333333333" },
    ...(subject.tool !== undefined && { method: "tools/call" }),
    ...(subject.servers !== undefined && { method: "tools/list" }),
    ...subject,
  };
}

/** A registered server: what is not given is made up. */
export function serverOf(server: Partial<DecidedServer> = {}): DecidedServer {
  return {
    id: crypto.randomUUID(),
    server_id: "test-server",
    version: 1,
    command: "node",
    args: ["test.js"],
    tool_prefix: "test.",
    ...server,
  };
}

/** Waits for a condition, for ten seconds at most. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!await isTrue()) {
    if (Date.now() > deadline) throw new Error("the condition did not come true in 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** This machine's processes with the text in their command line. */
export async function findProcesses(text: string): Promise<number[]> {
  const found: number[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    const line = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
    if (line.includes(text)) found.push(Number(name));
  }
  return found;
}

/** An empty folder that servers may read, under any user. */
export async function makeFolder(): Promise<string> {
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "executor-" }));
  await Deno.chmod(folder, 0o755);
  return folder;
}

/** The sandbox of this machine, as `main` sets it up. */
export async function testSandbox(): Promise<SandboxOptions> {
  const found = await findCommands(["bwrap", "prlimit"], "/usr/bin:/bin");
  const isRoot = Deno.uid() === 0;
  return {
    bubblewrap: found.get("bwrap"),
    prlimit: found.get("prlimit"),
    limits: DEFAULT_LIMITS,
    network: [],
    userId: isRoot ? NOBODY : undefined,
  };
}
