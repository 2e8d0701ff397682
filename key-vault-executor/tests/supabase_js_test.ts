/** Every endpoint as an app calls it, through supabase-js's `functions.invoke`: one success and one error for each. */

import { assertEquals } from "@std/assert";
import { newTenant } from "../../scripts/test/support/client.ts";
import { decided, newUseCase, sign, store } from "../../scripts/test/support/use.ts";
import { type App, appOf, assertAllPaths, assertInvokeFails, dataOf } from "../../scripts/test/support/invoke.ts";

const VAULT = "key-vault-executor";
const CREDENTIALS = { api_key: "test_key", secret_key: "test_secret" };

async function newApp(): Promise<App> {
  return appOf(VAULT, (await newTenant()).agent);
}

/** An app whose tenant has a credential for amazon. */
async function newAppWithCredential(): Promise<App> {
  const app = await newApp();
  await dataOf(app, "credentials/store", 201, { service: "amazon", credentials: CREDENTIALS });
  return app;
}

/** By path. */
const TESTS: Record<string, (path: string) => Promise<void>> = {};

for (const path of ["credentials/store", "credentials-store"]) {
  TESTS[path] = async () => {
    const app = await newApp();
    const body = { service: "amazon", credentials: CREDENTIALS, credential_type: "api_key" };
    assertEquals((await dataOf(app, path, 201, body)).service, "amazon");
    await assertInvokeFails(app, path, 400, "invalid_request", { ...body, credentials: [] });
  };
}

for (const path of ["credentials/list", "credentials-list"]) {
  TESTS[path] = async () => {
    const app = await newAppWithCredential();
    const { credentials, count } = await dataOf(app, `${path}?service=amazon`, 200);
    assertEquals([credentials[0].service, count], ["amazon", 1]);
    await assertInvokeFails(app, `${path}?service=amazon&service=stripe`, 400, "invalid_request");
  };
}

for (const path of ["credentials/retrieve", "credentials-retrieve"]) {
  TESTS[path] = async () => {
    const app = await newAppWithCredential();
    assertEquals((await dataOf(app, path, 200, { service: "amazon" })).credentials, CREDENTIALS);
    await assertInvokeFails(app, path, 404, "not_found", { service: "stripe" });
  };
}

for (const path of ["credentials/delete", "credentials-delete"]) {
  TESTS[path] = async () => {
    const app = await newAppWithCredential();
    assertEquals((await dataOf(app, path, 200, { service: "amazon" })).deleted, true);
    await assertInvokeFails(app, path, 404, "not_found", { service: "amazon" });
  };
}

TESTS["credentials/events"] = async (path) => {
  const app = await newAppWithCredential();
  const { events } = await dataOf(app, `${path}?service=amazon`, 200);
  assertEquals(events.map((event: Record<string, unknown>) => event.action), ["store"]);
  await assertInvokeFails(appOf(VAULT), path, 401, "unauthenticated");
};

TESTS["credentials/use"] = async (path) => {
  const it = await newUseCase();
  await store(it.tenant, "amazon", CREDENTIALS);
  const body = { service: "amazon", tenant_id: it.tenant.id, decision: sign(decided(it)) };
  assertEquals((await dataOf(appOf(VAULT, it.executor), path, 200, body)).credentials[0].credentials, CREDENTIALS);
  await assertInvokeFails(appOf(VAULT, it.tenant.agent), path, 403, "kernel_required", body);
};

TESTS["credentials/health"] = async (path) => {
  assertEquals(await dataOf(appOf(VAULT), path, 200), { healthy: true });
  await assertInvokeFails(appOf(VAULT), path, 405, "method_not_allowed", {});
};

for (const [path, test] of Object.entries(TESTS)) {
  Deno.test(`supabase-js invokes ${path}, and the app receives its errors`, () => test(path));
}

Deno.test("supabase-js invokes every path that the vault documents", async () => {
  await assertAllPaths(VAULT, "credentials", [...Object.keys(TESTS), "credentials/openapi.json"]);
});
