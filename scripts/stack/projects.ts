/** The two projects, as their folders describe them. */

import { parse } from "@std/toml";
import * as z from "zod/mini";

export type ProjectName = "governance-hub" | "key-vault-executor";

/** What each project keeps: the first segment of its documented URLs, and the name of the function that routes them. */
export const RESOURCES: Record<ProjectName, string> = {
  "governance-hub": "mcp-servers",
  "key-vault-executor": "credentials",
};

/** What each project's database is called in a cluster of both. */
export const DATABASES = { "governance-hub": "governance_hub", "key-vault-executor": "key_vault_executor" } as const;

const config = z.object({ functions: z.record(z.string(), z.unknown()) });

/** A file of a project's `supabase` folder. */
export function projectUrl(project: ProjectName, path: string): URL {
  return new URL(`../../${project}/supabase/${path}`, import.meta.url);
}

/** The functions that a project's config.toml declares. */
export async function functionNames(project: ProjectName): Promise<string[]> {
  const toml = await Deno.readTextFile(projectUrl(project, "config.toml"));
  return Object.keys(config.parse(parse(toml)).functions);
}
