import { assert, assertEquals } from "@std/assert";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { newServer } from "../support/endpoints.ts";
import { makeFolder, startRig, TRANSPORT } from "./processes/rig.ts";
import { lockTables, post, type TrafficReply, untilRequestsWait } from "./traffic/ledger.ts";

const REQUESTS = 32;
const ROUNDS = 15;

const folder = await makeFolder();
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

/** Half of the requests are the agent's, half its tenant's kernel's. */
const callers = [{ key: rig.tenant.api_key, body: {} }, { key: rig.kernelKey, body: { tenant_id: rig.tenant.id } }];

const hub = (path: string, body: object, index = 0) => send(rig.hub.url, path, body, index);
const vault = (path: string, body: object, index = 0) => send(rig.vault.url, path, body, index);

function send(url: string, path: string, body: object, index: number): Promise<TrafficReply> {
  const caller = callers[index % 2];
  assert(caller);
  return post(url, path, caller, { ...body, ...caller.body });
}

/** Sends the requests while the tables are locked, so that those in PostgreSQL go on together when the lock ends. */
async function race(request: (index: number) => Promise<TrafficReply>): Promise<TrafficReply[]> {
  const unlock = await lockTables(rig);
  const replies = Promise.all(Array.from({ length: REQUESTS }, (_, index) => request(index)));
  replies.catch(() => {});
  try {
    await untilRequestsWait(rig);
  } finally {
    await unlock();
  }
  return await replies;
}

/** How many replies there are with each status and code. */
function tally(replies: TrafficReply[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of replies) {
    const outcome = code === undefined ? `${status}` : `${status} ${code}`;
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

function rounds(title: string, round: (round: number) => Promise<void>): void {
  Deno.test(`${title}: ${ROUNDS} rounds of ${REQUESTS} requests (${TRANSPORT})`, async () => {
    for (let turn = 0; turn < ROUNDS; turn++) await round(turn);
  });
}

rounds("one of many registers of one server_id succeeds", async (round) => {
  const server_id = `same-${round}`;
  const replies = await race((index) =>
    hub("mcp-servers/register", { ...newServer(server_id), tool_prefix: `r${round}-${index}.` }, index)
  );
  assertEquals(tally(replies), { "201": 1, "409 server_id_taken": REQUESTS - 1 });
  assertEquals((await hub("mcp-servers/delete", { server_id })).status, 200);
  assertEquals((await hub("mcp-servers/delete", { server_id })).status, 404);
});

rounds("one of many registers of overlapping prefixes succeeds", async (round) => {
  const prefixes = [`a${round}.`, `a${round}.b.`, `A${round}.`];
  const replies = await race((index) =>
    hub("mcp-servers/register", { ...newServer(`p${round}-${index}`), tool_prefix: prefixes[index % 3] }, index)
  );
  assertEquals(tally(replies), { "201": 1, "409 tool_prefix_taken": REQUESTS - 1 });
});

rounds("one of many updates of one version succeeds", async (round) => {
  const server_id = `versioned-${round}`;
  assertEquals((await hub("mcp-servers/register", newServer(server_id))).status, 201);
  const replies = await race((index) =>
    hub("mcp-servers/update", { server_id, name: `Name ${index}`, if_version: 1 }, index)
  );
  assertEquals(tally(replies), { "200": 1, "412 version_mismatch": REQUESTS - 1 });
  const [winner] = replies.filter(({ status }) => status === 200);
  assertEquals([winner?.data.version, winner?.data.name], [2, `Name ${replies.findIndex(({ data }) => data)}`]);
});

rounds("all of many stores of one credential succeed, one creates it, and one whole value is kept", async (round) => {
  const service = `same-${round}`;
  const secrets = Array.from({ length: REQUESTS }, (_, index) => `${index}-`.repeat(20 + index));
  const replies = await race((index) =>
    vault("credentials/store", { service, credentials: { secret: secrets[index] } }, index)
  );
  assertEquals(tally(replies), { "201": 1, "200": REQUESTS - 1 });
  assertEquals(new Set(replies.map(({ data }) => data.credential_id)).size, 1);
  const { data } = await vault("credentials/retrieve", { service });
  assert(secrets.includes(data.credentials.secret));
});

rounds("one of many deletes succeeds, and a retrieve meanwhile gets the whole value or nothing", async (round) => {
  const service = `deleted-${round}`;
  const secret = "D".repeat(48);
  assertEquals((await vault("credentials/store", { service, credentials: { secret } })).status, 201);
  const replies = await race((index) =>
    vault(index % 4 < 2 ? "credentials/delete" : "credentials/retrieve", { service }, index)
  );
  const deletes = replies.filter((_, index) => index % 4 < 2);
  const retrieves = replies.filter((_, index) => index % 4 >= 2);
  assertEquals(tally(deletes), { "200": 1, "404 not_found": REQUESTS / 2 - 1 });
  for (const { status, data } of retrieves) {
    assertEquals(data?.credentials.secret, status === 200 ? secret : undefined, `${status}`);
    assert(status === 200 || status === 404, `${status}`);
  }
  assertEquals((await vault("credentials/retrieve", { service })).status, 404);
});

rounds("as many stores succeed as the quota has room for", async (round) => {
  const room = round % 6;
  await setQuota(`(select credentials + ${room} from public.vault_tenants where tenant_id = '${rig.tenant.id}')`);
  try {
    const replies = await race((index) =>
      vault("credentials/store", { service: `q${round}-${index}`, credentials: { secret: "a secret" } }, index)
    );
    const succeeded = room > 0 ? { "201": room } : {};
    assertEquals(tally(replies), { ...succeeded, "409 quota_exceeded": REQUESTS - room });
  } finally {
    await setQuota("null");
  }
});

/** @param quota an SQL expression; null for the default */
async function setQuota(quota: string): Promise<void> {
  await withConnection(
    rig.database.url("supabase_admin", "key-vault-executor"),
    (run) => run(`select public.set_credential_quota('${rig.tenant.id}', ${quota})`),
  );
}
