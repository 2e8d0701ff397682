/** `deno task admin`: what an operator does to running projects. */

import { addApiKeyCommands } from "./admin/api_key.ts";
import { newProgram, run } from "./admin/cli.ts";
import { addCredentialCommands } from "./admin/credential.ts";
import { addEventsCommands } from "./admin/events.ts";
import { addKernelCommands } from "./admin/kernel.ts";
import { addOrganizationCommands } from "./admin/organization.ts";
import { addRotateKeyCommand } from "./admin/rotate_key.ts";
import { addServerCommands } from "./admin/server.ts";
import { addStatusCommand } from "./admin/status.ts";
import { Stopped } from "./admin/stop.ts";
import { addTenantCommands } from "./admin/tenant.ts";
import { tell } from "./stack/child.ts";

const DESCRIPTION = `Provisions, issues keys, offboards, rotates the encryption key, and shows what runs and
what was done, in both projects.

It acts on the local stack; or, where HUB_URL is set, on the hosted projects of
HUB_URL, HUB_SECRET_KEY, VAULT_URL and VAULT_SECRET_KEY (and KERNEL_HMAC_SECRET for kernel issue).`;

if (import.meta.main) {
  const program = newProgram()
    .description(DESCRIPTION)
    .option("--json", "print JSON, and nothing else, to standard output")
    .option("--stack <file>", "the local stack's stack.json", ".local/stack.json")
    .addHelpText("after", "\nExample:\n  deno task admin status");
  addOrganizationCommands(program);
  addTenantCommands(program);
  addApiKeyCommands(program);
  addKernelCommands(program);
  addServerCommands(program);
  addCredentialCommands(program);
  addEventsCommands(program);
  addRotateKeyCommand(program);
  addStatusCommand(program);
  try {
    await run(program, Deno.args);
  } catch (error) {
    tell(error);
    Deno.exit(error instanceof Stopped ? error.exitCode : 1);
  }
}
