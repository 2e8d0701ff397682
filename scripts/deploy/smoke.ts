/** Checks that a deployed project answers: its health, and both URL forms of each endpoint, without a key. */

import { CliError } from "../cli/error.ts";
import { functionNames, type ProjectName, RESOURCES } from "../stack/projects.ts";

/** Returns a line for each expected answer. @throws {CliError} at the first unexpected answer. */
export async function smokeTest(project: ProjectName, url: string): Promise<string[]> {
  const resource = RESOURCES[project];
  const names = (await functionNames(project)).filter((name) => name !== resource);
  const verbs = names.filter((name) => name.startsWith(`${resource}-`)).map((name) => name.slice(resource.length + 1));
  const lines = [await expect(url, `${resource}/health`, 200)];
  for (const path of [...names, ...[...verbs, "events"].map((verb) => `${resource}/${verb}`)]) {
    lines.push(await expect(url, path, 401));
  }
  return lines;
}

/**
 * A 401 with our JSON comes from the function: a platform that still verifies tokens gives another answer. This is a
 * plain request because supabase-js always sends a key, and the check is that the platform does not require one.
 */
async function expect(url: string, path: string, status: number): Promise<string> {
  const method = /(list|health|events)$/.test(path) ? "GET" : "POST";
  const address = `${url}/functions/v1/${path}`;
  const signal = AbortSignal.timeout(10_000);
  const response = await fetch(address, { method, signal }).catch((error) => {
    throw new CliError(`${method} ${address} does not answer: ${error.message}`);
  });
  const body = await response.json().catch(() => undefined);
  const isOurs = status === 200 ? body?.ok === true : body?.error?.code === "unauthenticated";
  if (response.status !== status || !isOurs) {
    throw new CliError(`${method} ${address} answered ${response.status}, not the function's own ${status}`);
  }
  return `${method} ${path} ${status}`;
}
