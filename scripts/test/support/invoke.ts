/** Calls the edge functions as an app does: with supabase-js, the project's publishable key and the caller's key. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { createClient, FunctionsHttpError, type SupabaseClient } from "@supabase/supabase-js";
import type { ProjectName } from "../../stack/projects.ts";
import { projectOf } from "./client.ts";

export type App = SupabaseClient["functions"];

/** An app with this key, or without a key. */
export function appOf(project: ProjectName, key?: string): App {
  const { url, publishable_key } = projectOf(project);
  const bearer = key?.startsWith("krn_") ? { Authorization: `Bearer ${key}` } : undefined;
  const headers = key === undefined ? {} : bearer ?? { "X-API-Key": key };
  return createClient(url, publishable_key, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers },
  }).functions;
}

/** Lists have a query instead of a body. */
function invoke(app: App, path: string, body?: Record<string, unknown>) {
  return body === undefined ? app.invoke(path, { method: "GET" }) : app.invoke(path, { body });
}

/** The `data` of a successful answer, for which supabase-js reported no error. */
// deno-lint-ignore no-explicit-any -- tests compare answers of any form
export async function dataOf(app: App, path: string, status: number, body?: Record<string, unknown>): Promise<any> {
  const { data, error, response } = await invoke(app, path, body);
  assertEquals([error, response?.status, data?.ok], [null, status, true], path);
  return data.data;
}

/** Asserts that supabase-js returns our error body to the app. */
export async function assertInvokeFails(
  app: App,
  path: string,
  status: number,
  code: string,
  body?: Record<string, unknown>,
): Promise<void> {
  const { data, error } = await invoke(app, path, body);
  assert(error instanceof FunctionsHttpError, `${path}: ${error}`);
  const answer = await error.context.json();
  assertEquals([data, error.context.status, answer.ok, answer.error.code], [null, status, false, code], path);
  assertMatch(answer.error.message, /\S/);
  assertEquals(answer.request_id, error.context.headers.get("x-request-id"));
}

/** Asserts that these are the project's documented paths, so that each new path gets a test. */
export async function assertAllPaths(project: ProjectName, resource: string, paths: string[]): Promise<void> {
  const { data, error } = await appOf(project).invoke(`${resource}/openapi.json`, { method: "GET" });
  assertEquals([error, paths.toSorted()], [null, Object.keys(data.paths).map((path) => path.slice(1)).sort()]);
  await assertInvokeFails(appOf(project), `${resource}/openapi.json`, 405, "method_not_allowed", {});
}
