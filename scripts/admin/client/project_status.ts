/** Reads a project's status with its function `read_status`. */

import * as z from "zod/mini";
import type { ProjectName } from "../../stack/projects.ts";
import { callHub, callVault, type ProjectAccess } from "./connection/call.ts";

const encryptionKey = z.object({ id: z.string(), credentials: z.number() });
const projectStatus = z.object({
  /** Versions. Null when the project does not record them. */
  migrations: z.nullable(z.array(z.string())),
  counts: z.record(z.string(), z.number()),
  /** Only in the vault. */
  encryption_keys: z.optional(z.array(encryptionKey)),
  tenant_scope: z.nullable(z.object({ superuser: z.boolean(), bypassrls: z.boolean(), login: z.boolean() })),
  unscoped_functions: z.array(z.string()),
  open_tables: z.array(z.string()),
});

export interface EncryptionKey extends z.output<typeof encryptionKey> {
  /** Set only when the command line has the keys. */
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
