import { assertEquals, assertRejects } from "@std/assert";
import { makeDecisionKeys } from "shared/decision/decision_keys.ts";
import { readSettings, type Settings, SettingsError } from "../settings.ts";
import { makeFolder } from "../testing/make.ts";
import { NOBODY } from "./sandbox.ts";
import { bestSandbox, readableWithoutSandbox, requireSandbox } from "./sandbox_setup.ts";

const { verifyKey } = await makeDecisionKeys();

/** Settings whose packages, scripts and Node are in the folder. */
async function settingsIn(folder: string): Promise<Settings> {
  await Deno.mkdir(`${folder}/prefix/bin`, { recursive: true });
  await Deno.writeTextFile(`${folder}/prefix/bin/node`, "#!/bin/sh", { mode: 0o755 });
  const variables: Record<string, string> = {
    DECISION_VERIFY_KEYS: verifyKey,
    VAULT_URL: "http://127.0.0.1:1",
    EXECUTOR_KEY: `krn_${"a".repeat(49)}`,
    EXECUTOR_PACKAGES: `${folder}/packages`,
    EXECUTOR_SERVERS: `${folder}/servers`,
    EXECUTOR_COMMANDS: `node=${folder}/prefix/bin/node`,
  };
  return await readSettings((name) => variables[name]);
}

async function withSettings(test: (settings: Settings, folder: string) => Promise<void>): Promise<void> {
  const folder = await makeFolder();
  await test(await settingsIn(folder), folder);
  await Deno.remove(folder, { recursive: true });
}

Deno.test("bestSandbox() is the one that is required, where that works", async () => {
  await withSettings(async (settings) => {
    assertEquals(await bestSandbox(settings), { options: await requireSandbox(settings) });
  });
});

Deno.test({
  name: "run by root, servers are nobody's, unless nobody may read their folders or Node",
  ignore: Deno.uid() !== 0,
  fn: async () => {
    await withSettings(async (settings, folder) => {
      assertEquals((await bestSandbox(settings)).options.userId, NOBODY);
      assertEquals((await readableWithoutSandbox(settings)).userId, NOBODY);
      for (const path of [folder, `${folder}/prefix`]) {
        await Deno.chmod(path, 0o700);
        const { options, fault } = await bestSandbox(settings);
        assertEquals([options.userId, fault, options.bubblewrap !== undefined], [undefined, undefined, true], path);
        assertEquals((await readableWithoutSandbox(settings)).userId, undefined);
        await Deno.chmod(path, 0o755);
      }
      await Deno.chmod(folder, 0o700);
      await assertRejects(() => requireSandbox(settings), SettingsError, "Permission denied");
    });
  },
});
