import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { makeDecisionKeys } from "./decision/decision_keys.ts";
import { ApiError } from "./api_error.ts";
import { findHubFaults, type Lookup, readHubEnvironment, readVaultEnvironment } from "./environment.ts";

const HUB = {
  SUPABASE_URL: "http://127.0.0.1:54321/",
  SUPABASE_SECRET_KEYS: '{"default":"sb_secret_hub"}',
  KERNEL_HMAC_SECRET: "ab".repeat(32),
};
const VAULT = {
  ...HUB,
  REPO_B_URL: "https://hub.example",
  REPO_B_SERVICE_KEY: "sb_secret_of_hub",
  CREDENTIAL_ENCRYPTION_KEY: "cd".repeat(32),
};
type Variables = Record<string, string | undefined>;

type Read = (lookup: Lookup) => Promise<unknown>;

async function causeOf(variables: Variables, read: Read = readVaultEnvironment): Promise<string> {
  const error = await assertRejects(() => read((name) => variables[name]), ApiError);
  assertEquals(error.code, "unavailable");
  return String(error.cause);
}

Deno.test("readHubEnvironment() reads the platform's variables, and prefers the new secret keys to the legacy one", async () => {
  const read = (variables: Variables) => readHubEnvironment((name) => variables[name]);
  const { database, kernelSecret } = await read({ ...HUB, SUPABASE_SERVICE_ROLE_KEY: "legacy" });
  assertEquals(database, { url: "http://127.0.0.1:54321", secretKey: "sb_secret_hub" });
  assert(kernelSecret);
  const legacy = await read({ ...HUB, SUPABASE_SECRET_KEYS: undefined, SUPABASE_SERVICE_ROLE_KEY: "legacy" });
  assert("secretKey" in legacy.database);
  assertEquals(legacy.database.secretKey, "legacy");
});

Deno.test("readHubEnvironment() accepts a missing KERNEL_HMAC_SECRET", async () => {
  for (const KERNEL_HMAC_SECRET of [undefined, ""]) {
    const variables: Variables = { ...HUB, KERNEL_HMAC_SECRET };
    const { kernelSecret } = await readHubEnvironment((name) => variables[name]);
    assertEquals(kernelSecret, undefined, `KERNEL_HMAC_SECRET=${KERNEL_HMAC_SECRET}`);
  }
});

Deno.test("readHubEnvironment() reads the vault's address, which may be missing", async () => {
  const read = async (VAULT_URL: string | undefined) => {
    const variables: Variables = { ...HUB, VAULT_URL };
    return (await readHubEnvironment((name) => variables[name])).vaultUrl;
  };
  assertEquals(await read(undefined), undefined);
  assertEquals(await read("https://vault.example/"), "https://vault.example");
});

Deno.test("readHubEnvironment() names each variable that is missing or malformed", async () => {
  const cases: Variables[] = [
    { SUPABASE_URL: undefined },
    { SUPABASE_URL: "localhost:54321" },
    { SUPABASE_SECRET_KEYS: "sb_secret_hub" },
    { SUPABASE_SECRET_KEYS: '{"other":"x"}' },
    { SUPABASE_SECRET_KEYS: '{"default":"two words"}' },
    { KERNEL_HMAC_SECRET: "ab".repeat(31) },
    { KERNEL_HMAC_SECRET: "xy".repeat(32) },
    { VAULT_URL: "http://vault.example" },
    { VAULT_URL: "vault.example" },
  ];
  for (const fault of cases) {
    const [[name, value] = ["", undefined]] = Object.entries(fault);
    const cause = await causeOf({ ...HUB, ...fault }, readHubEnvironment);
    assert(cause.startsWith(`${name} is `), cause);
    if (value !== undefined) assert(!cause.includes(value), cause);
  }
  assert((await causeOf({ ...HUB, SUPABASE_SECRET_KEYS: undefined }, readHubEnvironment)).includes("SERVICE_ROLE_KEY"));
});

Deno.test("readVaultEnvironment() reads the hub's address and the encryption keys", async () => {
  const variables: Variables = {
    ...VAULT,
    CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: `${"01".repeat(32)}, ${"02".repeat(32)}`,
  };
  const { hub, keyring } = await readVaultEnvironment((name) => variables[name]);
  assertEquals(hub, { url: "https://hub.example", secretKey: "sb_secret_of_hub" });
  // The first 8 bytes of the SHA-256 of 32 bytes 01.
  assert(keyring.find("72cd6e8422c407fb"));
});

Deno.test("readVaultEnvironment() names each variable that is missing or malformed, without its value", async () => {
  const cases: Variables[] = [
    { REPO_B_URL: undefined },
    { REPO_B_URL: "http://hub.example" },
    { REPO_B_URL: "http://127.0.0.1.hub.example" },
    { REPO_B_URL: "http://localhost@hub.example" },
    { REPO_B_URL: "ftp://127.0.0.1" },
    { REPO_B_SERVICE_KEY: undefined },
    { REPO_B_SERVICE_KEY: "two words" },
    { CREDENTIAL_ENCRYPTION_KEY: undefined },
    { CREDENTIAL_ENCRYPTION_KEY: "your-32-byte-encryption-key-here" },
    { CREDENTIAL_ENCRYPTION_PREVIOUS_KEYS: `${"01".repeat(32)},` },
  ];
  for (const fault of cases) {
    const [[name, value] = ["", undefined]] = Object.entries(fault);
    const cause = await causeOf({ ...VAULT, ...fault });
    assert(cause.startsWith(`${name} is `), cause);
    if (value !== undefined) assert(!cause.includes(value), cause);
  }
});

Deno.test("readVaultEnvironment() uses the hub's publishable key if its secret key is not set", async () => {
  const hubOf = async (variables: Variables) =>
    (await readVaultEnvironment((name) => ({ ...VAULT, ...variables })[name])).hub;
  const [url, REPO_B_ANON_KEY] = [VAULT.REPO_B_URL, "sb_publishable_x"];
  for (const REPO_B_SERVICE_KEY of [undefined, "", " "]) {
    assertEquals(await hubOf({ REPO_B_SERVICE_KEY, REPO_B_ANON_KEY }), {
      url,
      publishableKey: REPO_B_ANON_KEY,
    }, `REPO_B_SERVICE_KEY ${REPO_B_SERVICE_KEY}`);
  }
  assertEquals(await hubOf({ REPO_B_ANON_KEY }), { url, secretKey: VAULT.REPO_B_SERVICE_KEY });
  const cause = await causeOf({ ...VAULT, REPO_B_SERVICE_KEY: undefined, REPO_B_ANON_KEY: "two words" });
  assert(cause.startsWith("REPO_B_ANON_KEY is malformed") && !cause.includes("two words"), cause);
});

Deno.test("readVaultEnvironment() accepts an http address of the hub only on this machine", async () => {
  for (
    const REPO_B_URL of [
      "http://127.0.0.1:54321",
      "http://localhost:1",
      "http://[::1]:1",
      "http://host.docker.internal:1",
      "https://hub.example",
    ]
  ) {
    const variables: Variables = { ...VAULT, REPO_B_URL };
    const { hub } = await readVaultEnvironment((name) => variables[name]);
    assert("url" in hub, REPO_B_URL);
    assertEquals(hub.url, REPO_B_URL, REPO_B_URL);
  }
});

Deno.test("readVaultEnvironment() reports every fault at once", async () => {
  const cause = await causeOf({});
  for (const name of ["SUPABASE_URL", "REPO_B_URL", "REPO_B_SERVICE_KEY", "CREDENTIAL_ENCRYPTION_KEY"]) {
    assert(cause.includes(`${name} is not set`), cause);
  }
});

Deno.test("readHubEnvironment() reads the Executors and the key that signs for them, and needs neither", async () => {
  const { signingKey } = await makeDecisionKeys();
  const urls = "https://one.example/, http://127.0.0.1:56321";
  const { executors } = await readHubEnvironment((name) =>
    ({ ...HUB, DECISION_SIGNING_KEY: signingKey, EXECUTOR_URLS: urls } as Variables)[name]
  );
  assertEquals(executors?.urls, ["https://one.example", "http://127.0.0.1:56321"]);
  // Nothing of the key can be read from it.
  assertEquals(Object.keys(executors?.signingKey ?? {}), ["sign"]);
  for (const half of [{}, { DECISION_SIGNING_KEY: signingKey }, { EXECUTOR_URLS: urls }]) {
    const { executors } = await readHubEnvironment((name) => ({ ...HUB, ...half } as Variables)[name]);
    const set = Object.keys(half).join() || "none of them";
    assertEquals(executors, undefined, set);
    const faults = findHubFaults((name) => ({ ...HUB, ...half } as Variables)[name]);
    assertEquals(faults.map(({ state }) => state), Object.keys(half).map(() => "not set"), set);
  }
  const faults: [Variables, RegExp][] = [
    [{ DECISION_SIGNING_KEY: "canary", EXECUTOR_URLS: urls }, /^DECISION_SIGNING_KEY is malformed/],
    [{ DECISION_SIGNING_KEY: signingKey, EXECUTOR_URLS: "http://one.example" }, /^EXECUTOR_URLS is malformed/],
    [{ DECISION_SIGNING_KEY: signingKey, EXECUTOR_URLS: `${urls},` }, /^EXECUTOR_URLS is malformed/],
  ];
  for (const [variables, said] of faults) {
    assertMatch(await causeOf({ ...HUB, ...variables }, readHubEnvironment), said);
  }
});
