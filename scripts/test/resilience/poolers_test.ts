import { assert, assertEquals } from "@std/assert";
import type { SeededTenant } from "../../stack/data/keys.ts";
import { headersOf } from "./traffic/calls.ts";
import { type PgBouncer, type PgBouncerOptions, startPgBouncer } from "./processes/pgbouncer.ts";
import { makeFolder, type Rig, type RunningProject, startRig } from "./processes/rig.ts";
import { eventually } from "./processes/running.ts";
import { registerServer, storeCredential } from "./traffic/ledger.ts";

const CALLS = 400;
const AT_ONCE = 20;
const SERVICE = "amazon";
const READY_MS = 20_000;

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

/** What a caller of this tenant reads: the ids of its servers, and its secret; or the statuses, if one is a refusal. */
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

async function assertOwn(projects: Pooled, call: number): Promise<void> {
  const { id, api_key } = tenantOf(call);
  const read = await readOwn(projects, api_key);
  const logs = [projects.hub, projects.vault].map(({ process }) => process.output().slice(-1000));
  assertEquals(read, { ids: [id], secret: id }, logs.join("\n"));
}

async function assertRefused(projects: Pooled): Promise<void> {
  assertEquals(await readOwn(projects, tenantOf(0).api_key), [503, 503]);
}

async function assertApart(projects: Pooled): Promise<void> {
  for (let call = 0; call < CALLS; call += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => assertOwn(projects, call + index)));
  }
}

/** Until as many calls at once are answered: the first ones log in at the pooler, which logs in at PostgreSQL. */
async function untilReady(projects: Pooled): Promise<void> {
  await eventually(
    READY_MS,
    () => Promise.all(Array.from({ length: AT_ONCE }, (_, call) => assertOwn(projects, call))),
  );
}

function tenantOf(call: number): SeededTenant {
  const tenant = tenants[call % 2];
  assert(tenant);
  return tenant;
}

// A transaction pooler with fewer connections than an instance's ten moves each client from one connection to another.
const MODES: PgBouncerOptions[] = [{ mode: "session", poolSize: 30 }, { mode: "transaction", poolSize: 3 }];

for (const options of MODES) {
  pooled(`two tenants in ${CALLS} alternating calls each get their own`, options, async (projects) => {
    await untilReady(projects);
    await assertApart(projects);
  });

  pooled("while the pooler is gone, requests answer 503; once it is back, they work", options, async (projects) => {
    await untilReady(projects);
    await projects.pooler.kill();
    for (let turn = 0; turn < 3; turn++) await assertRefused(projects);
    await projects.pooler.start();
    await untilReady(projects);
    await assertApart(projects);
  });

  pooled(
    "when PostgreSQL crashes behind the pooler, requests work again after its start",
    options,
    async (projects) => {
      await untilReady(projects);
      await rig.database.crash();
      await assertRefused(projects);
      await rig.database.start();
      await untilReady(projects);
      await assertApart(projects);
    },
  );
}
