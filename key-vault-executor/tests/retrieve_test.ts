import { assert, assertEquals } from "@std/assert";
import { assertAlike, assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";
import { plant } from "../../scripts/test/support/plant.ts";

const VAULT = "key-vault-executor";

for (const path of ["credentials/retrieve", "credentials-retrieve"]) {
  Deno.test(`POST /${path} answers 200 by id and by service, as the specification shows it`, async () => {
    const { agent, kernel, id } = await newTenant();
    const credentials = JSON.parse(
      '{"api_key":"AKIAIOSFODNN7EXAMPLE","__proto__":{"x":[1.5,null]},"t":"\\n\\u0000\\ud800\\u2028"}',
    );
    const stored = await post(VAULT, "credentials/store", agent, { service: "amazon", credentials });
    const { credential_id } = stored.body.data;
    const expected = {
      ok: true,
      status: "success",
      data: { credential_id, service: "amazon", credential_type: "api_key", credentials },
    };
    const replies = [
      await post(VAULT, path, agent, { credential_id }),
      await post(VAULT, path, agent, { service: "amazon" }),
      await post(VAULT, path, agent, { service: "amazon", credential_type: "api_key" }),
      await post(VAULT, path, kernel, { credential_id, tenant_id: id }),
    ];
    for (const { asked, status, body } of replies) assertEquals([status, body], [200, expected], asked);
  });

  Deno.test(`POST /${path} changes only last_used_at`, async () => {
    const { agent } = await newTenant();
    await post(VAULT, "credentials/store", agent, { service: "amazon", credentials: { a: 1 } });
    const list = async () => (await get(VAULT, "credentials/list", agent)).body.data.credentials[0];
    const unused = await list();
    await post(VAULT, path, agent, { service: "amazon" });
    const used = await list();
    await post(VAULT, path, agent, { service: "amazon" });
    const usedAgain = await list();
    assertEquals(unused.last_used_at, null);
    assert(used.last_used_at > unused.created_at && usedAgain.last_used_at > used.last_used_at);
    assertEquals({ ...usedAgain, last_used_at: null }, unused);
  });

  Deno.test(`POST /${path} answers 404, byte for byte the same, for another tenant's credential and for an unknown one`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    const stored = await post(VAULT, "credentials/store", other.agent, { service: "amazon", credentials: { a: 1 } });
    const { credential_id } = stored.body.data;
    const replies = [
      await post(VAULT, path, agent, { credential_id }),
      await post(VAULT, path, agent, { credential_id: crypto.randomUUID() }),
      await post(VAULT, path, agent, { service: "amazon" }),
      await post(VAULT, path, agent, { service: "none" }),
      await post(VAULT, path, other.agent, { service: "amazon", credential_type: "none" }),
    ];
    for (const reply of replies) assertRefused(reply, 404, "not_found");
    assertAlike(replies);
    assertEquals((await get(VAULT, "credentials/list", other.agent)).body.data.credentials[0].last_used_at, null);
  });

  Deno.test(`POST /${path} answers 400 without a selector, to both selectors, and to a malformed UUID`, async () => {
    const { agent } = await newTenant();
    const credential_id = crypto.randomUUID();
    const bad: [string, Record<string, unknown>][] = [
      ["credential_id", {}],
      ["credential_id", { credential_type: "api_key" }],
      ["credential_id", { credential_id, service: "amazon" }],
      ["credential_type", { credential_id, credential_type: "api_key" }],
      ["credential_id", { credential_id: "1" }],
      ["service", { service: "" }],
    ];
    for (const [field, body] of bad) assertRefused(await post(VAULT, path, agent, body), 400, "invalid_request", field);
  });

  Deno.test(`POST /${path} answers 500 if the stored bytes cannot be decrypted`, async () => {
    const { agent, id } = await newTenant();
    await plant(id, "amazon", new Uint8Array(64));
    assertRefused(await post(VAULT, path, agent, { service: "amazon" }), 500, "credential_unreadable");
  });

  Deno.test(`POST /${path} answers 503 if the row names a key that is not configured, and changes nothing`, async () => {
    const { agent, id } = await newTenant();
    await plant(id, "amazon", new Uint8Array(64), "0123456789abcdef");
    const before = (await get(VAULT, "credentials/list", agent)).body.data;
    const reply = await post(VAULT, path, agent, { service: "amazon" });
    assertRefused(reply, 503, "unavailable");
    assert(!reply.text.includes("0123456789abcdef"));
    assertEquals((await get(VAULT, "credentials/list", agent)).body.data, before);
    assertEquals((await get(VAULT, "credentials/events?action=retrieve", agent)).body.data.count, 0);
  });
}
