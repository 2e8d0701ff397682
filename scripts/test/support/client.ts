/**
 * How end-to-end tests call a local stack or real Supabase projects: those of the file that `STACK_FILE` names, or the
 * stack of `deno task start`.
 */

import { assertEquals } from "@std/assert";
import { createOrganization, createTenant, issueApiKey, issueKernel } from "../../admin/client/operator.ts";
import type { StackFile } from "../../stack/data/stack_file.ts";
import { type ProjectName, RESOURCES } from "../../stack/projects.ts";
import { checkReply } from "./openapi/check.ts";

export const stack: StackFile = readStack();

export interface Reply {
  /** The request, to name a failing case. */
  asked: string;
  status: number;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any -- tests compare answers of any form
  body: any;
}

export interface Send {
  method?: string;
  /** A key's prefix, `mcp_` or `krn_`, selects the header for it. */
  key?: string | undefined;
  headers?: Record<string, string>;
  /** Sent as JSON. A string is sent unchanged. */
  body?: unknown;
}

export function projectOf(project: ProjectName) {
  return project === "governance-hub" ? stack.governance_hub : stack.key_vault_executor;
}

/** Sends a request to a function, and checks the answer by the document. `path` starts with the function's name. */
export async function send(project: ProjectName, path: string, { method, key, headers, body }: Send): Promise<Reply> {
  const functions = `${projectOf(project).url}/functions/v1`;
  const sent = { method: method ?? (body === undefined ? "GET" : "POST"), path, body };
  const response = await fetch(`${functions}/${path}`, {
    method: sent.method,
    headers: {
      ...(key?.startsWith("mcp_") && { "x-api-key": key }),
      ...(key?.startsWith("krn_") && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const asked = `${sent.method} ${path} ${typeof body === "string" ? body : JSON.stringify(body) ?? ""}`.slice(0, 300);
  const reply = { asked, status: response.status, headers: response.headers, text, body: parse(text) };
  await checkReply(`${functions}/${RESOURCES[project]}/openapi.json`, sent, reply);
  return reply;
}

export function get(project: ProjectName, path: string, key: string): Promise<Reply> {
  return send(project, path, { key });
}

export function post(project: ProjectName, path: string, key: string, body: unknown): Promise<Reply> {
  return send(project, path, { key, body });
}

export interface Tenant {
  id: string;
  organizationId: string;
  agent: string;
  kernel: string;
}

/** Creates an organization with one tenant, so that tests do not see each other's rows. */
export async function newTenant(): Promise<Tenant> {
  const organization = await createOrganization(stack.governance_hub, `test ${crypto.randomUUID()}`);
  const kernel = await issueKernel(stack.governance_hub, stack.kernel_hmac_secret, organization.id, { name: "kernel" });
  return { ...await addTenant(organization.id), kernel: kernel.key };
}

/** Creates another tenant of an organization. The caller must know its `kernel`. */
export async function addTenant(organizationId: string): Promise<Omit<Tenant, "kernel">> {
  const tenant = await createTenant(stack.governance_hub, organizationId, `test ${crypto.randomUUID()}`);
  const { key } = await issueApiKey(stack.governance_hub, tenant.id, { name: "agent" });
  return { id: tenant.id, organizationId, agent: key };
}

export function assertRefused(reply: Reply, status: number, code: string, fieldPath?: string): void {
  const label = `${reply.asked} was answered ${reply.text}`;
  assertEquals([reply.status, reply.body?.error?.code], [status, code], label);
  assertEquals(reply.body.ok, false, label);
  assertEquals(reply.body.request_id, reply.headers.get("x-request-id"));
  assertEquals(reply.headers.get("content-type"), "application/json");
  assertEquals(reply.headers.get("cache-control"), "no-store");
  if (fieldPath === undefined) return;
  assertEquals(reply.body.error.fields.map((f: { path: string }) => f.path), [fieldPath], label);
}

/** Asserts that the replies are the same bytes, except for parts that differ in every request. */
export function assertAlike(replies: Reply[]): void {
  for (const reply of replies.slice(1)) assertEquals(replies.slice(0, 1).map(bytesOf), [bytesOf(reply)], reply.asked);
}

function bytesOf({ status, headers, text }: Reply): unknown[] {
  const comparable = [...headers].filter(([name]) =>
    !["connection", "date", "x-request-id", "content-length"].includes(name)
  );
  return [status, comparable, text.replace(/"request_id":"[^"]*"/, "")];
}

export const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function readStack(): StackFile {
  const path = Deno.env.get("STACK_FILE") || new URL("../../../.local/stack.json", import.meta.url);
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    const advice =
      "run `deno task test:e2e`, or `deno task start` first, or set STACK_FILE to the stack.json of a stack";
    throw new Error(`no stack to test: ${advice}`, { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
