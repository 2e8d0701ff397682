/** Issues a kernel's key, and checks that the hub knows it. */

import { FunctionsHttpError } from "@supabase/supabase-js";
import { CliError } from "../../cli/error.ts";
import { NAME_RULE } from "../commands/tenants/organization.ts";
import { type ProjectAccess, withMessages } from "./connection/call.ts";
import { connect } from "./connection/client.ts";
import type { Organization } from "./hub.ts";
import { type IssuedKey, issueKernel, type KeyOptions, revokeKernel } from "./operator.ts";

/** @throws {CliError} with no key left behind, if the hub would refuse it. */
export async function issueUsableKernel(
  hub: ProjectAccess,
  secret: string,
  organization: Organization,
  options: KeyOptions,
): Promise<IssuedKey> {
  const issued = await withMessages(issueKernel(hub, secret, organization.id, options), {
    "23503": `the organization ${organization.name} was deleted during the command`,
    "23514": NAME_RULE,
  });
  if (!await isUnknown(hub, issued.key)) return issued;
  await revokeKernel(hub, issued.id);
  throw new CliError("no key was issued: KERNEL_HMAC_SECRET differs from the hub's; set it to the hub's value");
}

/** Whether the hub refuses a key that was just issued, because it hashes keys with another secret. */
async function isUnknown(hub: ProjectAccess, key: string): Promise<boolean> {
  // The tenant does not exist, so a valid key gets 403.
  const { error } = await connect(hub).functions.invoke(`mcp-servers/list?tenant_id=${crypto.randomUUID()}`, {
    method: "GET",
    headers: { Authorization: `Bearer ${key}` },
    timeout: 8000,
  });
  if (!(error instanceof FunctionsHttpError) || error.context.status !== 401) return false;
  const body: unknown = await error.context.json().catch(() => undefined);
  return JSON.stringify(body ?? null).includes('"unauthenticated"');
}
