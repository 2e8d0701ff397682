/** The specification's flow, with the clients of openapi-typescript and openapi-fetch, run in a folder with both. */

import createClient from "openapi-fetch";
import type { paths as HubPaths } from "./governance_hub.ts";
import type { paths as VaultPaths } from "./key_vault_executor.ts";

const [hubUrl, vaultUrl, key] = ["HUB_URL", "VAULT_URL", "API_KEY"].map((name) => Deno.env.get(name) ?? "");
const headers = { "X-API-Key": key };
const hub = createClient<HubPaths>({ baseUrl: hubUrl, headers });
const vault = createClient<VaultPaths>({ baseUrl: vaultUrl, headers });

/** The data of an answer. @throws on an error's answer. */
function dataOf<Data>({ data, error }: { data?: { data: Data }; error?: { error: { message: string } } }): Data {
  if (data === undefined) throw new Error(error?.error.message);
  return data.data;
}

function expect(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`expected: ${what}`);
}

const server_id = "typescript-server";
const registered = dataOf(
  await hub.POST("/mcp-servers/register", {
    body: { server_id, name: "TypeScript", command: "node", args: ["server.js"], tool_prefix: "typescript." },
  }),
);
expect(registered.enabled && registered.version === 1, "a new server is enabled, at version 1");
expect(registered.created_at.length === "2026-02-23T12:00:00.123456+00:00".length, "times have six digits of a fraction");

const { servers } = dataOf(await hub.GET("/mcp-servers/list", { params: { query: { enabled_only: true } } }));
expect(servers.some((server) => server.server_id === server_id), "the list has the server");

const params = { header: { "If-Match": `"${registered.version}"` } };
const updated = dataOf(await hub.POST("/mcp-servers/update", { params, body: { server_id, enabled: false } }));
expect(updated.enabled === false && updated.version === 2, "the server is disabled, at version 2");
const { error, response } = await hub.POST("/mcp-servers/update", { params, body: { server_id, name: "Late" } });
expect(response.status === 412 && error?.error.code === "version_mismatch", "a stale version is refused");

const secret = { api_key: "the key", nested: { list: [1, 2.5, null] } };
const stored = dataOf(await vault.POST("/credentials/store", { body: { service: "typescript", credentials: secret } }));
expect(stored.created_at.length === "2026-02-23T12:00:00.123456+00:00".length, "times have six digits of a fraction");
const { credentials } = dataOf(await vault.GET("/credentials/list", { params: { query: { service: "typescript" } } }));
expect(credentials.length === 1 && credentials[0]?.last_used_at === null, "the credential was not used yet");
const { credential_id } = stored;
for (const body of [{ credential_id }, { service: "typescript", credential_type: "api_key" }]) {
  const retrieved = dataOf(await vault.POST("/credentials/retrieve", { body }));
  expect(JSON.stringify(retrieved.credentials) === JSON.stringify(secret), "the stored value is returned");
}

expect(dataOf(await vault.POST("/credentials/delete", { body: { credential_id } })).deleted, "the credential is deleted");
expect(dataOf(await hub.POST("/mcp-servers/delete", { body: { server_id } })).deleted, "the server is deleted");
const gone = await vault.POST("/credentials/retrieve", { body: { credential_id } });
expect(gone.response.status === 404 && gone.error?.error.code === "not_found", "a deleted credential is not found");
console.log("the flow is complete");
