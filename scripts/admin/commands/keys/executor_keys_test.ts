import { assert, assertEquals, assertMatch } from "@std/assert";
import { parseEnv } from "node:util";
import { signDecision, verifyDecision } from "shared/decision/decision.ts";
import { importSigningKey, importVerifyKeys, makeDecisionKeys, verifyKeyOf } from "shared/decision/decision_keys.ts";
import { makeFolder, subjectOf, until } from "key-vault-executor/executor/testing/make.ts";
import {
  acme,
  admin,
  assertNothingSecretPrinted,
  fail,
  globex,
  HOSTED,
  json,
  printed,
  request,
  vault,
} from "../../../test/support/admin/program.ts";

const MAIN = new URL("../../../../key-vault-executor/executor/main.ts", import.meta.url).pathname;
const CHECK_CONFIG = new URL("../../../deploy/check_config.ts", import.meta.url).pathname;
const EMPTY = new Uint8Array();

/** Fails unless check-config accepts the lines as this project's. */
async function assertConfigured(project: string, lines: string): Promise<void> {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, lines);
  const args = ["run", "-A", "--cached-only", CHECK_CONFIG, "--project", project, "--env-file", path];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), { args }).output();
  await Deno.remove(path);
  assertEquals(code, 0, new TextDecoder().decode(stdout));
}

async function signs(signingKey: string, verifyKeys: string): Promise<boolean> {
  const [key, keys] = [importSigningKey(signingKey), await importVerifyKeys(verifyKeys)];
  assert(key !== undefined && keys !== undefined);
  return await verifyDecision(signDecision(subjectOf(), EMPTY, key), keys).then(() => true, () => false);
}

Deno.test("executor-keys prints what goes where, with a key of each organization that may use credentials only", async () => {
  const urls = "https://one.example,https://two.example";
  const { code, out, err } = await admin(["executor-keys", "acme", "globex", "--executor-urls", urls]);
  assertEquals([code, err], [0, ""]);
  const [ofHub = "", ofVault = "", ofExecutor = ""] = out.split("\n\n");
  assertMatch(
    ofHub,
    /^# governance-hub\/\.env: the private key\. .*\nDECISION_SIGNING_KEY=\S{43}\nEXECUTOR_URLS=https/,
  );
  assertMatch(ofVault, /^# key-vault-executor\/\.env\nDECISION_VERIFY_KEYS=\S{43}$/);
  const { DECISION_SIGNING_KEY = "", EXECUTOR_URLS } = parseEnv(ofHub);
  const { DECISION_VERIFY_KEYS = "" } = parseEnv(ofVault);
  const executor = parseEnv(ofExecutor);
  assertEquals([EXECUTOR_URLS, executor.VAULT_URL], [urls, vault.url]);
  assertEquals(executor.DECISION_VERIFY_KEYS, DECISION_VERIFY_KEYS);
  assertEquals(await signs(DECISION_SIGNING_KEY, DECISION_VERIFY_KEYS), true);
  await assertConfigured("executor", ofExecutor);

  const keys = executor.EXECUTOR_KEY?.split(",") ?? [];
  assertEquals(keys.length, 2);
  for (const [index, { tenants: [tenant] }] of [acme, globex].entries()) {
    const body = { tenant_id: tenant?.id, service: "amazon" };
    assertEquals(await request(keys[index] ?? "", "credentials/retrieve", body), 403, tenant?.name);
    assertEquals(await request(keys[index] ?? "", `mcp-servers/list?tenant_id=${tenant?.id}`), 403, tenant?.name);
  }
  const { kernels } = await json("kernel", "list", "acme");
  const own = kernels.filter(({ name }: { name: string }) => name === "executor");
  assertEquals(own.map(({ scopes }: { scopes: string[] }) => scopes), [["credentials:use"]]);
});

Deno.test("executor-keys keeps the pair of the hub's file, for one more Executor", async () => {
  const { signingKey, verifyKey } = await makeDecisionKeys();
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, `KERNEL_HMAC_SECRET=x\nDECISION_SIGNING_KEY=${signingKey}\n`);
  const kept = await json("executor-keys", "acme", "--env-file", file, "--expires", "90d");
  assertEquals([kept.hub.DECISION_SIGNING_KEY, kept.vault.DECISION_VERIFY_KEYS], [signingKey, verifyKey]);
  assertEquals(kept.keys[0].organization_id, acme.id);
  await Deno.writeTextFile(file, "KERNEL_HMAC_SECRET=x\n");
  assertEquals(
    (await json("executor-keys", "acme", "--env-file", file)).vault.DECISION_VERIFY_KEYS === verifyKey,
    false,
  );
  await Deno.remove(file);
});

Deno.test("executor-keys says what is wrong, and leaves no key behind", async () => {
  const count = async () => (await json("kernel", "list")).kernels.filter(isLive).length;
  const isLive = ({ revoked_at }: { revoked_at: string | null }) => revoked_at === null;
  const before = await count();
  const other = { ...HOSTED, KERNEL_HMAC_SECRET: "cd".repeat(32) };
  await fail(["executor-keys", "acme", "globex"], /no key was issued: KERNEL_HMAC_SECRET differs/, other);
  await fail(["executor-keys", "acme", "nobody"], /there is no organization "nobody"/);
  await fail(["executor-keys"], /missing required argument 'organization'/);
  await fail(["executor-keys", "acme", "--executor-urls", "http://host.example"], /EXECUTOR_URLS must be an https/);
  await fail(["executor-keys", "acme", "--env-file", "/nowhere"], /\/nowhere cannot be read/);
  await fail(["executor-keys", "rotate"], /the environment has no DECISION_SIGNING_KEY/);
  const malformed = { DECISION_SIGNING_KEY: "canary" };
  await fail(["executor-keys", "rotate"], /DECISION_SIGNING_KEY is malformed: it must be 43/, malformed);
  assertEquals(printed.some((text) => text.includes("canary")), false);
  assertEquals(await count(), before);
});

/** The Executor's program, with these public keys. */
async function startExecutor(folder: string, verifyKeys: string, port = "0") {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--cached-only", "--unstable-no-legacy-abort", MAIN, "--no-sandbox"],
    env: {
      DECISION_VERIFY_KEYS: verifyKeys,
      VAULT_URL: "http://127.0.0.1:1",
      EXECUTOR_KEY: `krn_${"a".repeat(49)}`,
      EXECUTOR_PACKAGES: `${folder}/packages`,
      EXECUTOR_PORT: port,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  let output = "";
  void (async () => {
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) output += text;
  })();
  await until(() => output.includes('"listening"'));
  const url = /"listening":"([^"]+)"/.exec(output)?.[1] ?? "";
  return {
    url,
    async stop() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

type StartedExecutor = Awaited<ReturnType<typeof startExecutor>>;

/** Restarts one Executor after the other, at the address that each had. */
async function restart(executors: StartedExecutor[], folder: string, verifyKeys: string): Promise<void> {
  for (const [index, executor] of executors.entries()) {
    await executor.stop();
    executors[index] = await startExecutor(folder, verifyKeys, new URL(executor.url).port);
  }
}

Deno.test("the steps of executor-keys rotate, on two Executors under load, refuse no call", async () => {
  const before = await makeDecisionKeys();
  const { code, out } = await admin(["executor-keys", "rotate", "--json"], { DECISION_SIGNING_KEY: before.signingKey });
  assertEquals(code, 0);
  const [first, second, third] = JSON.parse(out).steps.map(({ set }: { set: Record<string, string> }) => set);
  assertEquals(first.DECISION_VERIFY_KEYS, `${third.DECISION_VERIFY_KEYS},${before.verifyKey}`);
  assertEquals(await verifyKeyOf(second.DECISION_SIGNING_KEY), third.DECISION_VERIFY_KEYS);

  const folder = await makeFolder();
  const executors = [await startExecutor(folder, before.verifyKey), await startExecutor(folder, before.verifyKey)];
  const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const statuses = new Map<number, number>();
  let signingKey = before.signingKey;
  let isOver = false;
  /** As the gateway does: the next Executor where the first refuses a connection. */
  const call = async (): Promise<number> => {
    const key = importSigningKey(signingKey);
    assert(key !== undefined);
    const authorization = `Bearer ${signDecision(subjectOf(), EMPTY, key)}`;
    for (const { url } of executors.toSorted(() => Math.random() - 0.5)) {
      const response = await fetch(`${url}/status`, { headers: { authorization }, client }).catch(() => undefined);
      await response?.body?.cancel();
      if (response !== undefined) return response.status;
    }
    return 0;
  };
  const load = Promise.all(Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const status = await call();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }));
  await restart(executors, folder, first.DECISION_VERIFY_KEYS);
  signingKey = second.DECISION_SIGNING_KEY;
  // In place of the minutes until the old decisions have ended: here each is used at once.
  await new Promise((resolve) => setTimeout(resolve, 500));
  await restart(executors, folder, third.DECISION_VERIFY_KEYS);
  isOver = true;
  await load;
  assertEquals([...statuses.keys()], [200]);
  assert((statuses.get(200) ?? 0) > 100);
  // The old key is refused now: the calls above would have been refused, too.
  signingKey = before.signingKey;
  assertEquals(await call(), 401);
  client.close();
  await Promise.all(executors.map((executor) => executor.stop()));
  await Deno.remove(folder, { recursive: true });
});

Deno.test("no command printed a digest, a value, a secret or a server's argument", assertNothingSecretPrinted);
