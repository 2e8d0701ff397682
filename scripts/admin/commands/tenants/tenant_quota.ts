/** `tenant quota`: how many servers and credentials a tenant may have. */

import { type Command, InvalidArgumentError } from "commander";
import { CliError } from "../../../cli/error.ts";
import { addGroup, example, readContext } from "../../command.ts";
import { findTenant, pathOf } from "../../client/find.ts";
import { setServerQuota } from "../../client/hub.ts";
import { print } from "../../../cli/output.ts";
import { setCredentialQuota } from "../../client/vault.ts";

/** The largest integer in PostgreSQL. */
const MOST = 2 ** 31 - 1;

interface Quotas {
  servers?: number;
  credentials?: number;
}

export function addTenantQuota(group: ReturnType<typeof addGroup>): void {
  group.command("quota").description("set how many servers and credentials a tenant may have")
    .argument("<tenant>", "its id, its name or organization/name")
    .option("--servers <number>", "the most servers (initially 1000)", readNumber)
    .option("--credentials <number>", "the most credentials (initially 10000)", readNumber)
    .addHelpText("after", example("tenant quota acme/acme-shop --servers 5000"))
    .action((tenant: string, quotas: Quotas, command: Command) => setQuotas(tenant, quotas, command));
}

async function setQuotas(reference: string, quotas: Quotas, command: Command): Promise<void> {
  const { servers, credentials } = quotas;
  if (servers === undefined && credentials === undefined) throw new CliError("set --servers, --credentials or both");
  const { json, target } = await readContext(command);
  const tenant = await findTenant(target.hub, reference);
  const set = {
    ...(servers !== undefined && await setServerQuota(target.hub, tenant.id, servers)),
    ...(credentials !== undefined && await setCredentialQuota(target.vault(), tenant.id, credentials)),
  };
  const lines = [
    ...("max_servers" in set ? [`${set.servers} of ${set.max_servers} servers`] : []),
    ...("max_credentials" in set ? [`${set.credentials} of ${set.max_credentials} credentials`] : []),
  ];
  print(json, { id: tenant.id, name: tenant.name, ...set }, `Tenant ${pathOf(tenant)} has ${lines.join(" and ")}`);
}

function readNumber(text: string): number {
  const number = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (number <= MOST) return number;
  throw new InvalidArgumentError(`It must be a whole number from 0 to ${MOST}.`);
}
