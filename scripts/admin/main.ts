/** `deno task admin`: an operator's commands for running projects. */

import { addApiKeyCommands } from "./commands/keys/api_key.ts";
import { addCredentialCommands } from "./commands/credentials/credential.ts";
import { addDatabaseRoleCommand } from "./commands/projects/database_role.ts";
import { addEventsCommands } from "./commands/projects/events.ts";
import { addExecutorKeysCommand } from "./commands/keys/executor_keys.ts";
import { addKernelCommands } from "./commands/keys/kernel.ts";
import { addOrganizationCommands } from "./commands/tenants/organization.ts";
import { addPackageCommands } from "./commands/servers/package.ts";
import { addRotateKeyCommand } from "./commands/credentials/rotate_key.ts";
import { addServerCommands } from "./commands/servers/server.ts";
import { addStatusCommand } from "./commands/projects/status.ts";
import { addTenantCommands } from "./commands/tenants/tenant.ts";
import { newProgram, runProgram } from "../cli/program.ts";

const DESCRIPTION =
  `Creates and deletes tenants, issues keys, rotates the encryption key, and shows the status and the events
of both projects.

It acts on the local stack. If HUB_URL is set, it acts on the hosted projects that HUB_URL, HUB_SECRET_KEY,
VAULT_URL and VAULT_SECRET_KEY name (kernel issue and executor-keys also need KERNEL_HMAC_SECRET).`;

if (import.meta.main) {
  const program = newProgram("admin", DESCRIPTION)
    .option("--json", "print only JSON to standard output")
    .option("--stack <file>", "the local stack's stack.json", ".local/stack.json")
    .addHelpText("after", "\nExample:\n  deno task admin status");
  addOrganizationCommands(program);
  addTenantCommands(program);
  addApiKeyCommands(program);
  addKernelCommands(program);
  addServerCommands(program);
  addCredentialCommands(program);
  addPackageCommands(program);
  addEventsCommands(program);
  addRotateKeyCommand(program);
  addDatabaseRoleCommand(program);
  addExecutorKeysCommand(program);
  addStatusCommand(program);
  await runProgram(program);
}
