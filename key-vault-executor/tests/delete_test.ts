import { assertEquals } from "@std/assert";
import { assertAlike, assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";

for (const path of ["credentials/delete", "credentials-delete"]) {
  Deno.test(`POST /${path} answers 200 by id and by service, and deletes permanently`, async () => {
    const { agent, kernel, id } = await newTenant();
    const by = [
      [agent, (credential_id: string) => ({ credential_id })],
      [agent, () => ({ service: "amazon" })],
      [agent, () => ({ service: "amazon", credential_type: "api_key" })],
      [kernel, (credential_id: string) => ({ credential_id, tenant_id: id })],
    ] as const;
    for (const [key, select] of by) {
      const stored = await post(VAULT, "credentials/store", agent, { service: "amazon", credentials: { a: 1 } });
      const { credential_id } = stored.body.data;
      const { asked, status, body } = await post(VAULT, path, key, select(credential_id));
      assertEquals(
        [status, body],
        [200, { ok: true, status: "success", data: { credential_id, deleted: true } }],
        asked,
      );
      assertRefused(await post(VAULT, "credentials/retrieve", agent, { credential_id }), 404, "not_found");
    }
  });

  Deno.test(`POST /${path} deletes only the selected credential`, async () => {
    const { agent } = await newTenant();
    for (const credential_type of ["api_key", "oauth_token"]) {
      await post(VAULT, "credentials/store", agent, { service: "amazon", credential_type, credentials: { a: 1 } });
    }
    await post(VAULT, path, agent, { service: "amazon" });
    const { credentials } = (await get(VAULT, "credentials/list", agent)).body.data;
    assertEquals(credentials.map((row: { credential_type: string }) => row.credential_type), ["oauth_token"]);
  });

  Deno.test(`POST /${path} answers 404, byte for byte the same, for another tenant's credential and for an unknown one`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    const stored = await post(VAULT, "credentials/store", other.agent, { service: "amazon", credentials: { a: 1 } });
    const replies = [
      await post(VAULT, path, agent, { credential_id: stored.body.data.credential_id }),
      await post(VAULT, path, agent, { service: "amazon" }),
      await post(VAULT, path, agent, { credential_id: crypto.randomUUID() }),
    ];
    for (const reply of replies) assertRefused(reply, 404, "not_found");
    assertAlike(replies);
    assertEquals((await get(VAULT, "credentials/list", other.agent)).body.data.count, 1);
  });

  Deno.test(`POST /${path} answers 400 without a selector, and to both selectors`, async () => {
    const { agent } = await newTenant();
    const credential_id = crypto.randomUUID();
    for (const body of [{}, { credential_id, service: "amazon" }, { credential_id: "x" }]) {
      assertRefused(await post(VAULT, path, agent, body), 400, "invalid_request", "credential_id");
    }
  });
}
