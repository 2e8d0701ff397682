/** Requests to every endpoint of a running project, with the time that each answer took. */

import { assert, assertEquals } from "@std/assert";
import { type EndpointCase, endpointsOf } from "../../support/endpoints.ts";
import { RESOURCES } from "../../../stack/projects.ts";
import type { RunningProject } from "../processes/rig.ts";

/** The longest allowed time of an answer, even during failures, in milliseconds. */
export const SLOWEST_MS = 6000;

export interface TrafficCaller {
  key: string;
  /** Kernels name it in their requests. */
  tenantId?: string;
}

export interface Ask {
  endpoint: EndpointCase;
  path: string;
  status: number;
  code: string | undefined;
  ms: number;
}

/** Sends an endpoint's request. `thing` is the server or credential that it acts on. */
export async function ask(
  url: string,
  endpoint: EndpointCase,
  path: string,
  caller: TrafficCaller,
  thing?: string,
): Promise<Ask> {
  const tenant = caller.tenantId && { tenant_id: caller.tenantId };
  const body = endpoint.body && { ...endpoint.body(thing), ...tenant };
  const query = endpoint.method === "GET" && tenant ? `?${new URLSearchParams(tenant)}` : "";
  const begun = performance.now();
  const response = await fetch(`${url}/functions/v1/${path}${query}`, {
    method: endpoint.method,
    headers: { ...headersOf(caller.key), ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(4 * SLOWEST_MS),
  });
  const answer = await response.json();
  const ms = performance.now() - begun;
  return { endpoint, path, status: response.status, code: answer.error?.code, ms };
}

export function headersOf(key: string): Record<string, string> {
  return key.startsWith("krn_") ? { authorization: `Bearer ${key}` } : { "x-api-key": key };
}

/** Calls every endpoint of a project in both URL forms, all at once. */
export async function askAll({ project, url }: RunningProject, caller: TrafficCaller, thing?: string): Promise<Ask[]> {
  const endpoints = await endpointsOf(project);
  return await Promise.all(
    endpoints.flatMap((endpoint) => endpoint.paths.map((path) => ask(url, endpoint, path, caller, thing))),
  );
}

/** Asserts that every endpoint answers 503 in time. What lends refuses these callers before it asks a database. */
export async function assertUnavailable(project: RunningProject, caller: TrafficCaller, thing?: string): Promise<void> {
  const asked = await askAll(project, caller, thing);
  for (const { path, status, code, ms } of asked.filter(({ endpoint }) => endpoint.acts !== "lends")) {
    assertEquals([path, status, code], [path, 503, "unavailable"], project.process.output().slice(-2000));
    assert(ms <= SLOWEST_MS, `${path} took ${Math.round(ms)} ms`);
  }
}

/** Asserts that every endpoint works. Those that act on one thing find none, and those that lend refuse. */
export async function assertServes(project: RunningProject, caller: TrafficCaller): Promise<void> {
  const asked = await askAll(project, caller);
  const expected = { creates: 201, lists: 200, "on one": 404, decides: 200, lends: 403 };
  for (const { path, status, endpoint } of asked) {
    assertEquals([path, status], [path, expected[endpoint.acts]], project.process.output().slice(-2000));
  }
}

export async function health({ project, url }: RunningProject): Promise<number> {
  const response = await fetch(`${url}/functions/v1/${RESOURCES[project]}/health`, {
    signal: AbortSignal.timeout(SLOWEST_MS),
  });
  await response.body?.cancel();
  return response.status;
}
