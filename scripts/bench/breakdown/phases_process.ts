/**
 * The process that times a project's functions by phase. It repeats the data API's answers from memory, so the rest of
 * a request's time is our own. Standard output is the functions' log, as on the platform.
 */

import { readJsonText } from "shared/http/body.ts";
import type { Handler } from "shared/http/respond.ts";
import { importKernelSecret, parseKernelSecret } from "shared/auth/api_key.ts";
import { digestCaller, readKey } from "shared/auth/presented_key.ts";
import { parseJson } from "shared/http/exact_json.ts";
import { logRequest } from "shared/request_log.ts";
import { type ProjectName, projectUrl } from "../../stack/projects.ts";
import { median, timeOf } from "../support/figures.ts";
import type { Template } from "../support/load.ts";
import { answerJobs } from "../support/worker.ts";
import { installProbes, type Probes, type Span } from "./probes.ts";

export interface PhasesConfig {
  project: ProjectName;
  requests: { name: string; path: string; request: Template }[];
  warmUp: number;
  calls: number;
}

/** Microseconds of one request. Each figure is its own median. */
export interface Phases {
  routingAndParsing: number;
  digest: number;
  cipher: number;
  log: number;
  /** Checking the input, making the data API call, reading and checking its result, and writing the answer. */
  rest: number;
  /** The total without the call. */
  own: number;
}

if (import.meta.main) answerJobs(measure);

async function measure({ project, requests, warmUp, calls }: PhasesConfig): Promise<Record<string, Phases>> {
  const probes = installProbes();
  const phases: Record<string, Phases> = {};
  for (const { name, path, request } of requests) {
    const [functionName = ""] = path.split("/");
    const { default: handler }: { default: Handler } = await import(
      projectUrl(project, `functions/${functionName}/index.ts`).href
    );
    const make = () => requestOf(path, request);
    const expected = (await handler.fetch(make())).status;
    if (expected >= 300) throw new Error(`${name} answered ${expected}`);
    for (let call = 0; call < warmUp; call++) await handler.fetch(make());
    phases[name] = await measureOne(handler, make, calls, probes);
  }
  return phases;
}

function requestOf(path: string, { method, headers, body }: Template): Request {
  return new Request(`http://127.0.0.1/${path}`, { method, headers, ...(body !== undefined && { body }) });
}

async function measureOne(handler: Handler, make: () => Request, calls: number, probes: Probes): Promise<Phases> {
  const kernelSecret = parseKernelSecret(Deno.env.get("KERNEL_HMAC_SECRET") ?? "");
  const taken: Omit<Phases, "rest">[] = [];
  probes.take();
  for (let call = 0; call < calls; call++) {
    const request = make();
    const begun = performance.now();
    const response = await handler.fetch(request);
    const whole = performance.now() - begun;
    await response.body?.cancel();
    const spans = probes.take();
    taken.push({
      routingAndParsing: await timeParsing(make()),
      digest: await timeDigest(make().headers, kernelSecret),
      cipher: total(spans.cipher),
      log: await timeOf(() => Promise.resolve(logOne())),
      own: whole - total(spans.fetch),
    });
    probes.take();
  }
  const us = (phase: keyof Omit<Phases, "rest">) => 1000 * median(taken.map((each) => each[phase]));
  const known = us("routingAndParsing") + us("digest") + us("cipher") + us("log");
  return {
    routingAndParsing: us("routingAndParsing"),
    digest: us("digest"),
    cipher: us("cipher"),
    log: us("log"),
    rest: us("own") - known,
    own: us("own"),
  };
}

/** Times the parts that read a request separately: its address, its key, its body. */
async function timeParsing(request: Request): Promise<number> {
  return await timeOf(async () => {
    new URL(request.url).searchParams.get("limit");
    readKey(request.headers);
    if (request.method === "POST") parseJson(await readJsonText(request));
  });
}

async function timeDigest(headers: Headers, secret: Uint8Array<ArrayBuffer> | undefined): Promise<number> {
  const presented = { ...readKey(headers), tenantId: undefined, requestId: "" };
  const key = secret && await importKernelSecret(secret);
  return await timeOf(() => digestCaller(presented, key));
}

function logOne(): void {
  const id = "0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11";
  const actor = { tenant_id: id, kind: "agent", id };
  logRequest({ requestId: id, function: "phases", actor, status: 200, startedAt: performance.now() });
}

function total(spans: Span[]): number {
  return spans.reduce((sum, { begun, ended }) => sum + ended - begun, 0);
}
