import { assert, assertEquals, assertMatch } from "@std/assert";
import postgres from "postgres";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { call, refuses, sealed } from "../suites/isolation.ts";
import { post } from "./traffic/ledger.ts";
import { startAdmin } from "./processes/operator_process.ts";
import { makeFolder, startRig } from "./processes/rig.ts";
import { type Step, stopAt } from "./processes/step_proxy.ts";

/** A purge deletes 1,000 per batch, so this needs two batches. */
const CREDENTIALS = 1200;
/** Each call to the vault after `tenant delete` has started. */
const STEPS: Step[] = [["close_tenant", 1], ["purge_tenant_credentials", 1], ["purge_tenant_credentials", 2]]
  .flatMap(([name, occurrence]) =>
    (["before", "during", "after"] as const).map((phase) => ({
      name: String(name),
      occurrence: Number(occurrence),
      phase,
    }))
  );

const folder = await makeFolder();
const rig = await startRig(folder);
const service = postgres(rig.database.url("authenticator", "key-vault-executor"), { max: 1, onnotice: () => {} });
Deno.test.afterAll(async () => {
  await service.end();
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

/** The organization whose kernel writes during the deletion. */
const organization = rig.organizations.find(({ kernel_key }) => kernel_key === rig.kernelKey)?.name ?? "";

async function admin(words: string[], variables: Record<string, string> = {}) {
  return await startAdmin(rig, words, variables).ended;
}

/** Creates a tenant with credentials. */
async function createTenant(name: string): Promise<string> {
  const { code, stdout, stderr } = await admin(["--json", "tenant", "create", organization, name]);
  assertEquals(code, 0, stderr);
  const { id } = JSON.parse(stdout);
  await withConnection(rig.database.url("postgres", "key-vault-executor"), (run) =>
    run(`
      insert into public.tenant_credentials (tenant_id, service, encrypted_credentials, encryption_key_id)
      select '${id}', 's' || n, decode(repeat('ab', 40), 'hex'), '0123456789abcdef'
      from generate_series(1, ${CREDENTIALS}) as n`));
  return id;
}

/** Stores with the kernel's key, which the tenant's deletion does not revoke. Returns the status. */
async function store(tenantId: string, service: string): Promise<number> {
  const body = { tenant_id: tenantId, service, credentials: { secret: "x" } };
  return (await post(rig.vault.url, "credentials/store", { key: rig.kernelKey }, body)).status;
}

async function credentialsOf(tenantId: string): Promise<number> {
  return (await call(service, "count_tenant_credentials", tenantId)).credentials;
}

for (const step of STEPS) {
  Deno.test(`tenant delete that is killed ${step.phase} call ${step.occurrence} of ${step.name}, and repeated, leaves nothing`, async () => {
    const id = await createTenant(crypto.randomUUID());
    const proxy = stopAt(rig.vault.url, step);
    const command = startAdmin(rig, ["tenant", "delete", id, "--yes"], { VAULT_URL: proxy.url });
    proxy.onStep(() => command.kill());
    let isOver = false;
    const writing = (async () => {
      const statuses = new Set<number>();
      for (let n = 0; !isOver; n++) statuses.add(await store(id, `live-${n}`));
      return statuses;
    })();
    const { code } = await command.ended;
    await proxy.stop();
    assert(proxy.isReached() && code !== 0, `${code}`);

    // From the second call on, the tenant is closed, so the number of credentials only decreases.
    if (step.name !== "close_tenant") {
      const left = await credentialsOf(id);
      assertEquals(await store(id, "late"), 403);
      assert(await credentialsOf(id) <= left);
      if (step.phase === "before") assert(left > 0);
    }
    const again = await admin(["tenant", "delete", id, "--yes"]);
    assertEquals(again.code, 0, again.stderr);
    assertMatch(again.stdout, /^Deleted the tenant, /m);
    isOver = true;
    const statuses = await writing;
    assert([...statuses].every((status) => status === 201 || status === 403), [...statuses].join());
    assertEquals(await credentialsOf(id), 0);

    // The row that a store would write if the hub accepted it earlier.
    const caller = { tenant_id: id, kind: "agent", id: crypto.randomUUID(), scopes: ["credentials:write"] };
    await refuses(call(service, "store_credential", caller, sealed("late")), "PT403");
    assertEquals(await credentialsOf(id), 0);
    assertMatch((await admin(["tenant", "delete", id, "--yes"])).stderr, /there is no tenant/);
  });
}
