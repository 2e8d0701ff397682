import { assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { newTenant, send } from "../../scripts/test/support/client.ts";

const VAULT = "key-vault-executor";
const { agent } = await newTenant();

/** Stores credentials given as JSON text, and retrieves them. Returns undefined if they were refused. */
async function storeAndRetrieve(json: string): Promise<unknown> {
  const service = crypto.randomUUID();
  const stored = await send(VAULT, "credentials/store", {
    key: agent,
    body: `{"service":"${service}","credentials":${json}}`,
  });
  if (stored.status === 400) return undefined;
  assertEquals(stored.status, 201, stored.text);
  const retrieved = await send(VAULT, "credentials/retrieve", { key: agent, body: { service } });
  assertEquals(retrieved.status, 200, retrieved.text);
  return retrieved.body.data.credentials;
}

Deno.test("store and retrieve return any JSON object unchanged", async () => {
  const value = fc.jsonValue({ stringUnit: "binary", maxDepth: 5 });
  const odd = fc.constantFrom("__proto__", "constructor", "toString", "", "0", "\ud800", "\u0000");
  const members = fc.array(fc.tuple(fc.oneof(fc.string({ unit: "binary" }), odd), value), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(members, async (members) => {
      const text = `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
      // If a name occurs twice, the last one counts.
      const credentials = JSON.stringify(JSON.parse(text));
      assertEquals(JSON.stringify(await storeAndRetrieve(credentials)), credentials);
    }),
    { numRuns: 300 },
  );
});

Deno.test("store and retrieve keep each unusual value that JavaScript can hold", async () => {
  const kept = [
    '{"__proto__":{"a":1},"constructor":{"prototype":{}},"hasOwnProperty":1}',
    '{"text":"\\n\\r\\t\\u0000\\u001f\\u007f\\u0085\\u2028\\u2029\\ufeff\\ud800\\udfff\\ud83d\\udd11"}',
    '{"\\u0000":"","":"empty","\\ud800":1," ":" "}',
    '{"numbers":[0,1,-1,9007199254740991,-9007199254740991,9007199254740992,0.1,1e21,5e-324,1.7976931348623157e308]}',
    '{"words":[true,false,null,[],{},[[]],""]}',
    `{"deep":${"[".repeat(31)}${"]".repeat(31)}}`,
    `{"wide":[${Array(20_000).fill("1").join()}]}`,
    `{"long":"${"é".repeat(32_000)}"}`,
    `{"b":1,"a":2,"2":3,"1":4}`,
  ];
  for (const json of kept) {
    const back = await storeAndRetrieve(json);
    assertEquals(JSON.stringify(back), JSON.stringify(JSON.parse(json)), json.slice(0, 80));
  }
});

Deno.test("store refuses each value that would not be returned as it was sent", async () => {
  const numbers = ["9007199254740993", "-9007199254740993", "1e400", "-1e400", "1e-400", "-0", "0.1234567890123456789"];
  const refused = [
    ...numbers.map((number) => `{"n":${number}}`),
    ...numbers.map((number) => `{"n":[{"deep":[${number}]}]}`),
    '{"a":1,"a":2}',
    `{"deep":${"[".repeat(32)}${"]".repeat(32)}}`,
    `{"long":"${"x".repeat(65_537)}"}`,
  ];
  for (const json of refused) assertEquals(await storeAndRetrieve(json), undefined, json.slice(0, 80));
});
