/** Hub, vault and Executor as `deno task start` runs them, on durable PostgreSQL, with a script that tenants may register. */

import { CliError } from "../../cli/error.ts";
import { createTenant, issueApiKey } from "../../admin/client/operator.ts";
import type { SeededTenant } from "../../stack/data/keys.ts";
import { startStack } from "../../stack/stack.ts";
import type { StackFile } from "../../stack/data/stack_file.ts";
import { makeStackFolder, removeStackFolder, throwAwayOptions } from "../../stack/throw_away.ts";
import { post } from "./contenders.ts";

export interface CallStack {
  file: StackFile;
  /** The organization whose credentials the Executor may use. */
  organizationId: string;
  tenant: SeededTenant;
  /** The folder of the stack. */
  dataDir: string;
  /** What a report must say about the sandbox. */
  notes: string[];
}

export const SCRIPT = "server.mjs";

export async function openCallStack(resources: AsyncDisposableStack): Promise<CallStack> {
  const dataDir = await makeStackFolder();
  resources.defer(() => removeStackFolder(dataDir));
  await Deno.mkdir(`${dataDir}/servers`);
  await Deno.copyFile(new URL(SCRIPT, import.meta.url), `${dataDir}/servers/${SCRIPT}`);
  const { file, stop, sandboxFault } = await startStack(throwAwayOptions("postgres", dataDir));
  resources.defer(stop);
  const [organization] = file.organizations;
  const tenant = organization?.tenants[0];
  if (organization === undefined || tenant === undefined) throw new CliError("the stack has no tenant");
  const notes = sandboxFault === undefined ? [] : [`Servers ran without a sandbox: ${sandboxFault}`];
  return { file, organizationId: organization.id, tenant, dataDir, notes };
}

/** New tenants of the organization, with a key each. */
export async function addTenants({ file, organizationId }: CallStack, count: number): Promise<SeededTenant[]> {
  return await Promise.all(Array.from({ length: count }, async (_, index) => {
    const name = `bench-${index}`;
    const { id } = await createTenant(file.governance_hub, organizationId, name);
    const { key } = await issueApiKey(file.governance_hub, id, { name });
    return { id, name, api_key: key };
  }));
}

/** Registers the script as a server whose tool is `<name>.echo`. */
export async function register({ file }: CallStack, { api_key }: SeededTenant, name: string): Promise<void> {
  const server = { server_id: name, name, command: "node", args: [SCRIPT], tool_prefix: `${name}.` };
  await post(`${file.gateway.url}/servers/register`, { "x-api-key": api_key }, JSON.stringify(server));
}
