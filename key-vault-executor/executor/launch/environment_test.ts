import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { ToolCallError } from "../tool_call_error.ts";
import { chooseCredential, environmentOf } from "./environment.ts";

const credential = (credentials: Record<string, unknown>, service = "amazon", credential_type = "api_key") => ({
  service,
  credential_type,
  credentials,
});

Deno.test("environmentOf() names variables by service and field, and leaves capitals as they are", () => {
  const { variables } = environmentOf(credential({ api_key: "a", AWS_REGION: "us-east-1", "secret-key": "b" }));
  assertEquals(variables, { AMAZON_API_KEY: "a", AWS_REGION: "us-east-1", AMAZON_SECRET_KEY: "b" });
  assertEquals(environmentOf(credential({ token: "t" }, "acme.billing")).variables, { ACME_BILLING_TOKEN: "t" });
  assertEquals(environmentOf(credential({ token: "t" }, "1password")).variables, { _1PASSWORD_TOKEN: "t" });
});

Deno.test("environmentOf() writes what is no string as JSON, and knows the secrets inside", () => {
  const nested = { client: { id: "x", keys: ["first-secret", "second-secret"] }, port: 1, on: true, none: null };
  const { variables, secrets } = environmentOf(credential(nested));
  assertEquals(variables, {
    AMAZON_CLIENT: '{"id":"x","keys":["first-secret","second-secret"]}',
    AMAZON_PORT: "1",
    AMAZON_ON: "true",
  });
  const values = secrets.filter(({ name }) => name === "AMAZON_CLIENT").map(({ value }) => value);
  assertEquals(values, [variables.AMAZON_CLIENT ?? "", "x", "first-secret", "second-secret"]);
});

Deno.test("environmentOf() refuses variables that change how a program runs, however they come about", () => {
  const named = ["PATH", "LD_PRELOAD", "NODE_OPTIONS", "PYTHONPATH", "BASH_ENV", "HTTPS_PROXY", "NPM_CONFIG_REGISTRY"];
  for (const name of named) {
    const { message } = assertThrows(() => environmentOf(credential({ [name]: "x" })), ToolCallError, "", name);
    assertMatch(message, new RegExp(name), name);
  }
  const built: [string, string][] = [["node", "options"], ["ld", "preload"], ["npm", "config_registry"], ["ld", "x.y"]];
  for (const [service, field] of built) {
    assertThrows(() => environmentOf(credential({ [field]: "x" }, service)), ToolCallError, "", `${service} ${field}`);
  }
});

Deno.test("environmentOf() refuses what no variable can hold, and two fields of one name, and tells no value", () => {
  const nul = assertThrows(() => environmentOf(credential({ key: "abc\0def" })), ToolCallError);
  assertEquals(nul.message.includes("abc"), false);
  const twice = assertThrows(() => environmentOf(credential({ "a-b": "one", a_b: "two" })), ToolCallError);
  assertMatch(twice.message, /two of its fields become AMAZON_A_B/);
});

Deno.test("chooseCredential() takes api_key, or the only one, or says which there are", () => {
  const [key, token, other] = ["api_key", "oauth_token", "password"].map((type) => credential({}, "amazon", type));
  if (key === undefined || token === undefined || other === undefined) throw new Error("three are made");
  assertEquals(chooseCredential("amazon", [token, key]), key);
  assertEquals(chooseCredential("amazon", [token]), token);
  assertEquals(chooseCredential("amazon", []), undefined);
  const { message } = assertThrows(() => chooseCredential("amazon", [token, other]), ToolCallError);
  assertMatch(message, /types oauth_token, password/);
});

Deno.test("environmentOf() knows the parts of a string that a program is likely to print", () => {
  const parts = {
    padded: " pw-9x7Kq2v ",
    dsn: "postgres://app:Tr0ub4dor%2Fx9@db.example/app",
    file: '{"key":{"pem":"abcDEF123"}}',
  };
  const values = environmentOf(credential(parts)).secrets.map(({ value }) => value);
  for (const part of ["pw-9x7Kq2v", "Tr0ub4dor%2Fx9", "Tr0ub4dor/x9", "abcDEF123"]) assert(values.includes(part), part);
});

Deno.test("environmentOf() refuses a credential with more strings than results can be searched for", () => {
  const many = (count: number) => Array.from({ length: count }, () => crypto.randomUUID());
  assertEquals(environmentOf(credential({ keys: many(100) })).secrets.length, 101);
  assertThrows(() => environmentOf(credential({ keys: many(1000) })), ToolCallError, "too many strings or lines");
});
