import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { encodeBase64 } from "@std/encoding/base64";
import { decodeHex } from "@std/encoding/hex";
import { cp } from "node:fs/promises";
import { crc32 } from "shared/auth/api_key.ts";
import { withConnection } from "../../stack/postgres/cluster.ts";
import { endpointsOf } from "../support/endpoints.ts";
import { headersOf } from "./traffic/calls.ts";
import { formsOf, newCanary, newPlainCanary, search } from "./traffic/canary.ts";
import { secretPart, sendAmidFaults, sendRefused, sendStored } from "./traffic/leak_requests.ts";
import { collectPlaces, newWitness } from "./traffic/places.ts";
import { makeFolder, type Rig, startRig } from "./processes/rig.ts";

/** Makes PostgreSQL's log as verbose as possible. */
const VERBOSE = [
  "log_statement=all",
  "log_error_verbosity=verbose",
  "log_parameter_max_length_on_error=-1",
  "logging_collector=on",
  "log_directory=log",
];

const folder = await makeFolder();
const rig = await startRig(folder, VERBOSE);
Deno.test.afterAll(async () => {
  await rig.stop();
  await Deno.remove(folder, { recursive: true });
});

const keys = rig.organizations.flatMap(({ kernel_key, tenants }) => [kernel_key, ...tenants.map((t) => t.api_key)]);

Deno.test("no answer, output, table, file or log has a secret that was sent, stored or configured", async () => {
  const witness = newWitness();
  const canaries = [
    ...await sendRefused(rig, witness, rig.hub),
    ...await sendRefused(rig, witness, rig.vault),
    ...await sendStored(rig, witness),
    ...await sendAmidFaults(rig, witness),
    ...keys.map(secretPart),
  ];
  const statuses = new Set(witness.places.map(({ name }) => Number(name.split(" ")[1])));
  assertEquals([...statuses].sort(), [200, 201, 400, 401, 403, 404, 405, 413, 415, 500, 503]);
  const places = [...witness.places, ...await collectPlaces(rig)];
  assertEquals(search(places, [...canaries, ...configured()]), []);
  // Like PostgREST, the data API passes a request's headers to PostgreSQL, so its most verbose log has the keys.
  const dataApiKeys = [rig.keys.governance_hub.secret_key, rig.keys.key_vault_executor.secret_key];
  assertEquals(search(places.filter(({ name }) => !name.startsWith("file: log/")), dataApiKeys), []);
});

Deno.test("the search finds every form of a canary at every offset", () => {
  const canary = newCanary();
  for (const [form, text] of formsOf(new TextEncoder().encode(canary))) {
    for (const before of ["", ..."abcdefg".split("").map((_, i, all) => all.slice(0, i + 1).join(""))]) {
      const bytes = new TextEncoder().encode(`${before}${text}${before}`);
      const forms = search([{ name: "place", bytes }], [canary]).map((finding) => finding.form);
      assert(forms.includes(form), `${form} after ${before.length} bytes`);
    }
  }
  for (const offset of [0, 1, 2]) {
    const bytes = new TextEncoder().encode(encodeBase64("x".repeat(offset) + canary + "y"));
    assertNotEquals(search([{ name: "place", bytes }], [canary]), [], `base64 behind ${offset} bytes`);
  }
});

Deno.test("the search finds a canary that is planted in an answer, a log line, a table, the heap, the WAL or PostgreSQL's log", async () => {
  const [logged, kept] = [newPlainCanary(), newCanary()];
  const witness = newWitness();
  await witness.send(rig.vault, "GET", "credentials/list", { headers: { "x-request-id": logged } });
  await withConnection(rig.database.url("supabase_admin", "key-vault-executor"), async (run) => {
    const literal = kept.replaceAll("'", "''");
    await run(`create table public.planted as select '${literal}' as line, convert_to('${literal}', 'UTF8') as bytes`);
  });
  const places = [...witness.places, ...await collectPlaces(rig)];
  const found = search(places, [logged, kept]).map(({ place }) => place.replace(/^(file: \w+).*/, "$1"));
  assertEquals([...new Set(found)].sort(), [
    "answer: 401 of key-vault-executor GET credentials/list",
    "dump: key-vault-executor public.planted",
    "file: base",
    "file: log",
    "file: pg_wal",
    "output: key-vault-executor",
  ]);
});

Deno.test("the search finds the output of a vault that logs the body", async () => {
  const copy = await copyProjects(folder);
  const file = new URL("shared/http/endpoint.ts", copy);
  const code = await Deno.readTextFile(file);
  const line = /^ *const body = method === "POST" .*$/m;
  assert(line.test(code));
  await Deno.writeTextFile(file, code.replace(line, "$&\nconsole.log(JSON.stringify(body));"));

  const talkative = await rig.startProject("key-vault-executor", { root: copy });
  const canary = newCanary();
  const answer = await newWitness().send(talkative, "POST", "credentials/store", {
    headers: { ...headersOf(rig.tenant.api_key), "content-type": "application/json" },
    body: JSON.stringify({ service: crypto.randomUUID(), credentials: { canary } }),
  });
  assertEquals(answer.status, 201);
  assertEquals(
    search(await collectPlaces(rig), [canary]).map(({ place, form }) => [place, form]),
    [["output: key-vault-executor", "JSON"]],
  );
});

Deno.test("the hub's database and PostgreSQL's log hold digests of keys, and a digest does not work as a key", async () => {
  const digests = await readDigests(rig);
  assertEquals(digests.length, keys.length);
  const found = search(await collectPlaces(rig), digests).map(({ place, canary }) => [place.split("/")[0], canary]);
  for (const digest of digests) {
    assert(
      found.some(([place, canary]) => canary === digest && place?.startsWith("dump: governance-hub public.")),
      digest,
    );
    assert(found.some(([place, canary]) => canary === digest && place === "file: log"), digest);
  }
  for (const project of [rig.hub, rig.vault]) {
    for (const endpoint of await endpointsOf(project.project)) {
      const asked = digests.flatMap(pretend).map(async (headers) => {
        const query = endpoint.method === "GET" ? `?tenant_id=${rig.tenant.id}` : "";
        const { status, body } = await newWitness().send(project, endpoint.method, endpoint.paths[0] + query, {
          headers: { ...headers, "content-type": "application/json" },
          ...(endpoint.body && { body: JSON.stringify({ ...endpoint.body(), tenant_id: rig.tenant.id }) }),
        });
        assertEquals([status, body.error.code], [401, "unauthenticated"], JSON.stringify(headers));
      });
      await Promise.all(asked);
    }
  }
});

/** The secrets of both projects' environments, as text and as bytes. */
function configured(): (string | [string, Uint8Array])[] {
  const { kernel_hmac_secret, credential_encryption_key, decision_signing_key } = rig.keys;
  return [
    kernel_hmac_secret,
    credential_encryption_key,
    decision_signing_key,
    ["the bytes of KERNEL_HMAC_SECRET", decodeHex(kernel_hmac_secret)],
    ["the bytes of CREDENTIAL_ENCRYPTION_KEY", decodeHex(credential_encryption_key)],
  ];
}

/** Copies the code of both projects and of the stack, with the installed packages. */
async function copyProjects(folder: string): Promise<URL> {
  const [here, copy] = [new URL("../../../", import.meta.url), new URL(`file://${folder}/copy/`)];
  const parts = ["deno.json", "deno.lock", "shared", "scripts", "governance-hub", "key-vault-executor"];
  for (const part of parts) await cp(new URL(part, here), new URL(part, copy), { recursive: true });
  await Deno.symlink(new URL("node_modules", here), new URL("node_modules", copy));
  return copy;
}

async function readDigests({ database }: Rig): Promise<string[]> {
  return await withConnection(database.url("supabase_admin", "governance-hub"), async (run) => {
    const rows = await run(`
      select encode(key_sha256, 'hex') as digest from public.api_keys where scopes <> '{}'
      union all select encode(key_hmac, 'hex') from public.kernels`);
    return rows.map(({ digest }) => String(digest));
  });
}

/** A digest in every form of a key: bare, with a prefix, cut to a key's length, and with the right checksum. */
function pretend(digest: string): Record<string, string>[] {
  const random = digest.slice(0, 43);
  const bodies = [digest, digest.slice(0, 49), random + checksum(random), digest.toUpperCase()];
  const texts = ["", "mcp_", "krn_"].flatMap((prefix) => bodies.map((body) => prefix + body));
  return texts.flatMap((text) => [{ "x-api-key": text }, { authorization: `Bearer ${text}` }]);
}

/** A key's checksum: the CRC-32 in six characters of base62. */
function checksum(random: string): string {
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let rest = crc32(new TextEncoder().encode(random));
  let text = "";
  for (; text.length < 6; rest = Math.floor(rest / 62)) text = alphabet.charAt(rest % 62) + text;
  return text;
}
