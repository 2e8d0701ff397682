/** Seeds a local stack: two organizations, three tenants, a key per tenant and a kernel per organization. */

import { createOrganization, createTenant, issueApiKey, issueKernel } from "../../admin/client/operator.ts";
import type { SeededOrganization } from "./keys.ts";
import type { ProjectAddress } from "./stack_file.ts";

const SEEDS = { acme: ["acme-shop", "acme-lab"], globex: ["globex-main"] };

export async function seed(hub: ProjectAddress, kernelHmacSecret: string): Promise<SeededOrganization[]> {
  const organizations: SeededOrganization[] = [];
  for (const [name, tenantNames] of Object.entries(SEEDS)) {
    const organization = await createOrganization(hub, name);
    const kernel = await issueKernel(hub, kernelHmacSecret, organization.id, { name: `${name}-kernel` });
    const tenants = [];
    for (const tenantName of tenantNames) {
      const tenant = await createTenant(hub, organization.id, tenantName);
      const { key } = await issueApiKey(hub, tenant.id, { name: `${tenantName}-agent` });
      tenants.push({ id: tenant.id, name: tenantName, api_key: key });
    }
    organizations.push({ id: organization.id, name, kernel_key: kernel.key, tenants });
  }
  return organizations;
}

/** A kernel's key of each organization, for the Executor: it can use credentials, and nothing else. */
export async function issueExecutorKeys(
  hub: ProjectAddress,
  kernelHmacSecret: string,
  organizations: SeededOrganization[],
): Promise<string[]> {
  const issued = organizations.map(({ id, name }) =>
    issueKernel(hub, kernelHmacSecret, id, { name: `${name}-executor`, scopes: ["credentials:use"] })
  );
  return (await Promise.all(issued)).map(({ key }) => key);
}
