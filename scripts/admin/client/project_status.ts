/** What a project's own `read_status` tells of it. */

import * as z from "zod/mini";
import type { ProjectName } from "../../stack/projects.ts";
import { callHub, callVault, type ProjectAccess } from "./call.ts";

const encryptionKey = z.object({ id: z.string(), credentials: z.number() });
const projectStatus = z.object({
  /** Versions; null when nothing notes them. */
  migrations: z.nullable(z.array(z.string())),
  counts: z.record(z.string(), z.number()),
  /** The vault's alone. */
  encryption_keys: z.optional(z.array(encryptionKey)),
  tenant_scope: z.nullable(z.object({ superuser: z.boolean(), bypassrls: z.boolean(), login: z.boolean() })),
  unscoped_functions: z.array(z.string()),
  open_tables: z.array(z.string()),
});

export interface EncryptionKey extends z.output<typeof encryptionKey> {
  /** What it is to the command line, where that has the keys. */
  state?: "current" | "previous";
}

export interface ProjectStatus extends Omit<z.output<typeof projectStatus>, "encryption_keys"> {
  encryption_keys?: EncryptionKey[] | undefined;
}

export function readStatus(name: ProjectName, project: ProjectAccess): Promise<ProjectStatus> {
  return name === "governance-hub"
    ? callHub(project, "read_status", {}, projectStatus)
    : callVault(project, "read_status", {}, projectStatus);
}
