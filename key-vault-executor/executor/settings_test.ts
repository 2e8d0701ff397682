import { assertEquals, assertRejects } from "@std/assert";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { findFaults, readSettings, SettingsError } from "./settings.ts";

const { verifyKey } = await makeDecisionKeys();
const GOOD = {
  DECISION_VERIFY_KEYS: verifyKey,
  VAULT_URL: "https://vault.example/",
  EXECUTOR_KEY: `krn_${"a".repeat(49)}`,
};
const OTHERS = ["EXECUTOR_PORT", "EXECUTOR_INSTALL", "EXECUTOR_COMMANDS", "EXECUTOR_MEMORY_MB"];
const lookupIn = (variables: Record<string, string>) => (name: string) => variables[name];

Deno.test("readSettings() has defaults for all but the keys and the vault", async () => {
  const settings = await readSettings(lookupIn(GOOD));
  assertEquals(settings.vault.url, "https://vault.example");
  const keys = `${GOOD.EXECUTOR_KEY}, krn_${"b".repeat(49)}`;
  assertEquals((await readSettings(lookupIn({ ...GOOD, EXECUTOR_KEY: keys }))).vault.keys, keys.split(", "));
  assertEquals([settings.hostname, settings.port, settings.idleMs], ["127.0.0.1", 56321, 600_000]);
  assertEquals([settings.scripts, settings.network, settings.installs], [undefined, [], false]);
  assertEquals(settings.commands, ["node", "npx", "deno", "python3", "uvx"]);
});

Deno.test("findFaults() names what is missing or malformed, and no value", async () => {
  assertEquals(findFaults(lookupIn({})).map(({ variable }) => variable), Object.keys(GOOD));
  const bad = {
    DECISION_VERIFY_KEYS: "SECRET",
    VAULT_URL: "http://SECRET.example",
    EXECUTOR_KEY: "mcp_SECRET",
    EXECUTOR_PORT: "65536",
    EXECUTOR_INSTALL: "SECRET",
    EXECUTOR_COMMANDS: "node, ",
    EXECUTOR_MEMORY_MB: "1",
  };
  const faults = findFaults(lookupIn(bad));
  assertEquals(faults.map(({ variable }) => variable), [...Object.keys(GOOD), ...OTHERS]);
  assertEquals(JSON.stringify(faults).includes("SECRET"), false);
  const { message } = await assertRejects(() => readSettings(lookupIn(bad)), SettingsError);
  assertEquals(message.includes("EXECUTOR_PORT is malformed: it must be a port, 0 to 65535"), true);
});
