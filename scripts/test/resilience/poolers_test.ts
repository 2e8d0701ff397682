import { assertEquals } from "@std/assert";
import { headersOf } from "./traffic/calls.ts";
import { type PgBouncer, type PgBouncerOptions, startPgBouncer } from "./processes/pgbouncer.ts";
import { makeFolder, type Rig, type RunningProject, startRig } from "./processes/rig.ts";
import { eventually } from "./processes/running.ts";
import { registerServer, storeCredential } from "./traffic/ledger.ts";

const CALLS = 400;
const AT_ONCE = 40;
const SERVICE = "amazon";

const folder = await makeFolder();
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const tenants = rig.organizations.flatMap((organization) => organization.tenants).slice(0, 2);
for (const { id, api_key } of tenants) {
  assertEquals((await storeCredential(rig, { key: api_key }, SERVICE, id)).status, 201);
  assertEquals((await registerServer(rig, { key: api_key }, id)).status, 201);
}

/** Both projects, in processes of their own that reach their databases through the pooler. */
interface Pooled {
  pooler: PgBouncer;
  hub: RunningProject;
  vault: RunningProject;
}

function pooled(title: string, options: PgBouncerOptions, test: (pooled: Pooled) => Promise<void>): void {
  const { mode, poolSize } = options;
  Deno.test(`${title}, behind PgBouncer in ${mode} mode with ${poolSize} connections`, async () => {
    const pooler = await startPgBouncer(folder, rig.database.url("function_caller", "governance-hub"), options);
    const started: RunningProject[] = [];
    try {
      for (const project of ["governance-hub", "key-vault-executor"] as const) {
        started.push(await rig.startProject(project, { environment: addressesOf(project, pooler) }));
      }
      const [hub, vault] = started as [RunningProject, RunningProject];
      await test({ pooler, hub, vault });
    } finally {
      await Promise.all(started.map(({ process }) => process.stop()));
      await pooler.kill();
    }
  });
}

function addressesOf(project: Parameters<Rig["directAccess"]>[0], pooler: PgBouncer): Record<string, string> {
  const direct = Object.entries(rig.directAccess(project));
  return Object.fromEntries(direct.map(([name, address]) => [name, pooler.through(address)]));
}

/** What a caller of this tenant reads: the ids of its servers, and its secret. Or the statuses of refusals. */
async function readOwn({ hub, vault }: Pooled, key: string): Promise<unknown> {
  const headers = { ...headersOf(key), "content-type": "application/json" };
  const [list, retrieved] = await Promise.all([
    fetch(`${hub.url}/functions/v1/mcp-servers/list`, { headers }),
    fetch(`${vault.url}/functions/v1/credentials/retrieve`, {
      method: "POST",
      headers,
      body: JSON.stringify({ service: SERVICE }),
    }),
  ]);
  const [servers, credential] = [await list.json(), await retrieved.json()];
  if (!list.ok || !retrieved.ok) return [list.status, retrieved.status];
  const ids = servers.data.servers.map(({ server_id }: { server_id: string }) => server_id);
  return { ids, secret: credential.data.credentials.secret };
}

async function assertApart(projects: Pooled): Promise<void> {
  for (let call = 0; call < CALLS; call += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, async (_, index) => {
      const tenant = tenants[(call + index) % 2];
      assertEquals(await readOwn(projects, tenant?.api_key ?? ""), { ids: [tenant?.id], secret: tenant?.id });
    }));
  }
}

// A transaction pooler with fewer connections than an instance's ten moves each client from one connection to another.
const MODES: PgBouncerOptions[] = [{ mode: "session", poolSize: 20 }, { mode: "transaction", poolSize: 3 }];

for (const options of MODES) {
  pooled(`two tenants in ${CALLS} alternating calls each get their own`, options, assertApart);

  pooled("while the pooler is gone, requests answer 503; once it is back, they work", options, async (projects) => {
    const [tenant] = tenants;
    const read = () => readOwn(projects, tenant?.api_key ?? "");
    const own = { ids: [tenant?.id], secret: tenant?.id };
    assertEquals(await read(), own);
    await projects.pooler.kill();
    for (let turn = 0; turn < 3; turn++) assertEquals(await read(), [503, 503]);
    await projects.pooler.start();
    await eventually(10_000, async () => assertEquals(await read(), own));
    await assertApart(projects);
  });

  pooled(
    "when PostgreSQL crashes behind the pooler, requests work again after its start",
    options,
    async (projects) => {
      const [tenant] = tenants;
      const read = () => readOwn(projects, tenant?.api_key ?? "");
      assertEquals(await read(), { ids: [tenant?.id], secret: tenant?.id });
      await rig.database.crash();
      assertEquals(await read(), [503, 503]);
      await rig.database.start();
      await eventually(20_000, async () => assertEquals(await read(), { ids: [tenant?.id], secret: tenant?.id }));
      await assertApart(projects);
    },
  );
}
