/** The names, folders and functions of the two projects. */

import { parse } from "@std/toml";
import * as z from "zod/mini";

export type ProjectName = "governance-hub" | "key-vault-executor";

/** Each project's resource: the first segment of its documented URLs, and the name of the function that routes them. */
export const RESOURCES: Record<ProjectName, string> = {
  "governance-hub": "mcp-servers",
  "key-vault-executor": "credentials",
};

/** The databases' names in a cluster of both projects. */
export const DATABASES = { "governance-hub": "governance_hub", "key-vault-executor": "key_vault_executor" } as const;

const config = z.object({ functions: z.record(z.string(), z.unknown()) });

/** The URL of a file in a project's `supabase` folder. */
export function projectUrl(project: ProjectName, path: string): URL {
  return new URL(`../../${project}/supabase/${path}`, import.meta.url);
}

/** The functions that a project's config.toml declares. */
export async function functionNames(project: ProjectName): Promise<string[]> {
  const toml = await Deno.readTextFile(projectUrl(project, "config.toml"));
  return Object.keys(config.parse(parse(toml)).functions);
}
