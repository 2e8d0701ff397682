/** Rotation of the encryption key: killed at each step, during live traffic, and with instances of both keys. */

import { assert, assertEquals } from "@std/assert";
import { encodeHex } from "@std/encoding/hex";
import { encryptionKeyId } from "shared/crypto/keyring.ts";
import { decodeHex } from "@std/encoding/hex";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { post, storeCredential } from "./traffic/ledger.ts";
import { startAdmin } from "./processes/operator_process.ts";
import { makeFolder, type RunningProject, startRig } from "./processes/rig.ts";
import { type Step, stopAt } from "./processes/step_proxy.ts";

const folder = await makeFolder();
const rig = await startRig(folder);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const caller = { key: rig.tenant.api_key };
const oldKey = rig.keys.credential_encryption_key;
const oldId = await encryptionKeyId(decodeHex(oldKey));
const VAULT = "key-vault-executor";

/** The steps to kill a rotation at: before, during or after a call of the database. */
const STEPS: Step[] = ["read_status", "list_sealed_credentials", "reseal_credentials"].flatMap((name) =>
  [1, 2, 3].flatMap((occurrence) =>
    (["before", "during", "after"] as const).map((phase) => ({ name, occurrence, phase }))
  )
).filter(({ name, occurrence }) => name !== "read_status" || occurrence === 1);

interface Keys {
  CREDENTIAL_ENCRYPTION_KEY: string;
  CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: string;
}

function newKey(): Keys & { id: Promise<string> } {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  const keys = { CREDENTIAL_ENCRYPTION_KEY: encodeHex(bytes), CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: oldKey };
  return { ...keys, id: encryptionKeyId(bytes) };
}

function variables({ CREDENTIAL_ENCRYPTION_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS }: Keys): Record<string, string> {
  return { CREDENTIAL_ENCRYPTION_KEY, CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS };
}

async function read(sql: string): Promise<Record<string, unknown>[]> {
  return await withConnection(rig.database.url("supabase_admin", VAULT), (run) => run(sql));
}

async function inventory(): Promise<Record<string, number>> {
  const rows = await read("select encryption_key_id, count(*)::int as n from public.tenant_credentials group by 1");
  return Object.fromEntries(rows.map(({ encryption_key_id, n }) => [String(encryption_key_id), Number(n)]));
}

async function fill(values: Map<string, string>, count: number, bytes: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const service = `s-${crypto.randomUUID()}`;
    const value = service.padEnd(bytes, "x");
    assertEquals((await storeCredential(rig, caller, service, value)).status, 201, service);
    values.set(service, value);
  }
}

async function assertOpens({ url }: RunningProject, values: Map<string, string>): Promise<void> {
  for (const [service, value] of values) {
    const { status, data } = await post(url, "credentials/retrieve", caller, { service });
    assertEquals([status, data?.credentials.secret === value], [200, true], service);
  }
}

async function empty(): Promise<void> {
  await read("delete from public.tenant_credentials where true");
}

async function rotate(keys: Keys): Promise<{ code: number; answer: Record<string, unknown> }> {
  const { code, stdout } = await startAdmin(rig, ["--json", "rotate-key", "--yes"], variables(keys)).ended;
  return { code, answer: JSON.parse(stdout) };
}

Deno.test(`killed ${STEPS.length} times, at each of its steps, a rotation completes during live traffic, and loses nothing`, async () => {
  const keys = newKey();
  const values = new Map<string, string>();
  // A page ends once it exceeds 1 MiB, so this makes about five pages.
  await fill(values, 110, 48 * 1024);
  const untouched = new Set([...values.keys()].slice(30));
  const live = await rig.startProject(VAULT, { environment: variables(keys) });
  const killed = new Set<string>();

  for (const step of STEPS) {
    if (((await inventory())[oldId] ?? 0) < 70) await makeOld(untouched, values);
    const proxy = stopAt(rig.vault.url, step);
    const process = startAdmin(rig, ["rotate-key", "--yes"], { ...variables(keys), VAULT_URL: proxy.url });
    proxy.onStep(() => process.kill());
    // During the rotation, one is replaced, one retrieved, and one deleted and stored again.
    const touched = [...values.keys()].slice(0, 30);
    const pick = () => touched[Math.floor(Math.random() * touched.length)] ?? "";
    const [replaced, retrieved] = [pick(), pick()];
    values.set(replaced, `${replaced} at ${step.name}`);
    const body = { service: replaced, credentials: { secret: values.get(replaced) } };
    if (Math.random() < 0.5) await post(live.url, "credentials/delete", caller, { service: replaced });
    assert((await post(live.url, "credentials/store", caller, body)).status < 300, step.name);
    await assertOpens(live, new Map([[retrieved, values.get(retrieved) ?? ""]]));

    await process.ended;
    assert(proxy.isReached(), JSON.stringify(step));
    killed.add(JSON.stringify(step));
    await proxy.stop();
    assertEquals(Object.values(await inventory()).reduce((a, b) => a + b), values.size, JSON.stringify(step));
    if (killed.size % 5 === 0) await assertOpens(live, values);
  }
  assertEquals(killed.size, STEPS.length);

  const { code, answer } = await rotate(keys);
  assertEquals(code, 0);
  assertEquals(await inventory(), { [await keys.id]: values.size });
  assert(JSON.stringify(answer).includes(await keys.id));
  await live.process.stop();
  // The old key can be removed.
  const without = await rig.startProject(VAULT, {
    environment: { CREDENTIAL_ENCRYPTION_KEY: keys.CREDENTIAL_ENCRYPTION_KEY },
  });
  await assertOpens(without, values);
  await without.process.stop();
  await empty();
});

/** Seals some under the old key again, so that three pages are left to rotate. */
async function makeOld(services: Set<string>, values: Map<string, string>): Promise<void> {
  for (const service of services) {
    assertEquals((await storeCredential(rig, caller, service, values.get(service) ?? "")).status, 200, service);
  }
}

Deno.test("a rotation records one event for each re-sealed credential, all with one request id", async () => {
  const keys = newKey();
  const values = new Map<string, string>();
  await fill(values, 20, 100);
  const { code, answer } = await rotate(keys);
  assertEquals([code, answer.resealed], [0, 20]);
  const events = await read(`
    select service, action, actor_kind, actor_id, request_id from public.credential_events
    where action = 'rotate' and service = any (array['${[...values.keys()].join("','")}'])`);
  assertEquals(new Set(events.map(({ service }) => service)), new Set(values.keys()));
  assertEquals(events.length, 20);
  assertEquals(new Set(events.map(({ request_id }) => request_id)), new Set([answer.request_id]));
  assert(events.every(({ actor_kind, actor_id }) => actor_kind === "operator" && actor_id === null));
  assertEquals((await rotate(keys)).answer.resealed, 0);
  await empty();
});

Deno.test("an instance without the new key answers 503 and changes nothing, and the next pass re-seals what it stores", async () => {
  const keys = newKey();
  const values = new Map<string, string>();
  await fill(values, 3, 100);
  assertEquals((await rotate(keys)).code, 0);
  const before = await read("select to_jsonb(row) as row from public.tenant_credentials as row order by id");
  const [service = ""] = values.keys();
  for (const service of values.keys()) {
    assertEquals((await post(rig.vault.url, "credentials/retrieve", caller, { service })).status, 503, service);
  }
  assertEquals(await read("select to_jsonb(row) as row from public.tenant_credentials as row order by id"), before);
  assert(rig.vault.process.output().includes(`no encryption key with the id ${await keys.id}`));

  assertEquals((await storeCredential(rig, caller, service, "by the old one")).status, 200);
  values.set(service, "by the old one");
  assertEquals(await inventory(), { [oldId]: 1, [await keys.id]: 2 });
  assertEquals((await rotate(keys)).answer.resealed, 1);
  assertEquals(await inventory(), { [await keys.id]: 3 });
  const both = await rig.startProject(VAULT, { environment: variables(keys) });
  await assertOpens(both, values);
  await both.process.stop();
  await empty();
});

Deno.test("without the old key, its rows answer 503 unchanged and the log names the key; with it, all values are back", async () => {
  const keys = newKey();
  const values = new Map<string, string>();
  await fill(values, 3, 100);
  const before = await read("select to_jsonb(row) as row from public.tenant_credentials as row order by id");
  const { CREDENTIAL_ENCRYPTION_KEY } = keys;
  const forgetful = await rig.startProject(VAULT, { environment: { CREDENTIAL_ENCRYPTION_KEY } });
  for (const service of values.keys()) {
    const { status, code } = await post(forgetful.url, "credentials/retrieve", caller, { service });
    assertEquals([status, code], [503, "unavailable"], service);
  }
  assert(forgetful.process.output().includes(`no encryption key with the id ${oldId}`), forgetful.process.output());
  const forgetfulRotation = await startAdmin(rig, ["--json", "rotate-key", "--yes"], { CREDENTIAL_ENCRYPTION_KEY })
    .ended;
  assertEquals(forgetfulRotation.code, 1);
  assert(forgetfulRotation.stdout.includes(oldId));
  assertEquals(await read("select to_jsonb(row) as row from public.tenant_credentials as row order by id"), before);
  await forgetful.process.stop();

  const mindful = await rig.startProject(VAULT, { environment: variables(keys) });
  await assertOpens(mindful, values);
  await mindful.process.stop();
  await empty();
});
