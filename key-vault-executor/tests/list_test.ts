import { assertEquals } from "@std/assert";
import { assertRefused, get, newTenant, post } from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";

for (const path of ["credentials/list", "credentials-list"]) {
  Deno.test(`GET /${path} answers 200 with metadata and no values, as the specification shows it`, async () => {
    const { agent } = await newTenant();
    const stored = await post(VAULT, "credentials/store", agent, { service: "amazon", credentials: { k: "canary" } });
    const { credential_id, created_at } = stored.body.data;
    const listed = {
      id: credential_id,
      service: "amazon",
      credential_type: "api_key",
      created_at,
      updated_at: created_at,
      last_used_at: null,
    };
    const reply = await get(VAULT, path, agent);
    const data = { credentials: [listed], count: 1, next_cursor: null };
    assertEquals([reply.status, reply.body], [200, { ok: true, status: "success", data }]);
  });

  Deno.test(`GET /${path} lists only this tenant's credentials, filters by service, and pages`, async () => {
    const { agent, kernel, id } = await newTenant();
    const other = await newTenant();
    await post(VAULT, "credentials/store", other.agent, { service: "amazon", credentials: { a: 1 } });
    const pairs = [["amazon", "api_key"], ["amazon", "oauth_token"], ["shopify", "api_key"], ["stripe", "api_key"], [
      "stripe",
      "z",
    ]];
    for (const [service, credential_type] of pairs) {
      await post(VAULT, "credentials/store", agent, { service, credential_type, credentials: { a: 1 } });
    }
    type Row = { service: string; credential_type: string };
    const pairsOf = (rows: Row[]) => rows.map((row) => [row.service, row.credential_type]);
    assertEquals(pairsOf((await get(VAULT, `${path}?tenant_id=${id}`, kernel)).body.data.credentials), pairs);
    assertEquals(pairsOf((await get(VAULT, `${path}?service=stripe`, agent)).body.data.credentials), pairs.slice(3));
    assertEquals((await get(VAULT, `${path}?service=none`, agent)).body.data.count, 0);
    const seen: Row[] = [];
    let query = "?limit=2";
    while (query !== "") {
      const { credentials, next_cursor } = (await get(VAULT, path + query, agent)).body.data;
      seen.push(...credentials);
      query = next_cursor === null ? "" : `?limit=2&cursor=${next_cursor}`;
    }
    assertEquals(pairsOf(seen), pairs);
  });

  Deno.test(`GET /${path} answers 400 to malformed parameters, and to another tenant's cursor`, async () => {
    const { agent } = await newTenant();
    const other = await newTenant();
    for (const service of ["a", "b"]) {
      await post(VAULT, "credentials/store", other.agent, { service, credentials: { a: 1 } });
    }
    const { next_cursor } = (await get(VAULT, `${path}?limit=1`, other.agent)).body.data;
    for (const [name, value] of [["service", "a%20b"], ["limit", "0"], ["cursor", "x"], ["cursor", next_cursor]]) {
      assertRefused(await get(VAULT, `${path}?${name}=${value}`, agent), 400, "invalid_request", name);
    }
  });
}
