import { assertEquals, assertRejects } from "@std/assert";
import { SignJWT } from "jose";
import { DecisionRefused, MAX_LIFETIME, serviceOf, verifyDecision } from "./decision.ts";
import { importSigningKey, importVerifyKeys, makeDecisionKeys, verifyKeyOf } from "./decision_keys.ts";
import { requireBody } from "key-vault-executor/executor/http/body.ts";
import { makeHub, serverOf, subjectOf } from "key-vault-executor/executor/testing/make.ts";

const BODY = '{"jsonrpc":"2.0"}';
const bytes = new TextEncoder().encode(BODY);

async function verify(token: string, keys: CryptoKey[], body = bytes) {
  const decision = await verifyDecision(token, keys);
  requireBody(decision, body);
  return decision;
}

async function assertRefused(token: string, keys: CryptoKey[], reason: string, body = bytes) {
  const { message } = await assertRejects(() => verify(token, keys, body), DecisionRefused);
  assertEquals(message.includes(reason), true, message);
}

Deno.test("verifyDecision() returns what the hub signed", async () => {
  const hub = await makeHub();
  const subject = subjectOf({ server: serverOf(), tool: "test.echo" });
  const decision = await verify(hub.sign(subject, BODY), hub.verifyKeys);
  assertEquals({ ...decision, ...subject }, decision);
  assertEquals(decision.exp - decision.iat, MAX_LIFETIME);
});

Deno.test("verifyDecision() takes either key while the key is rotated", async () => {
  const [before, after] = [await makeHub(), await makeHub()];
  const keys = [...after.verifyKeys, ...before.verifyKeys];
  for (const hub of [before, after]) await verify(hub.sign({}, BODY), keys);
});

Deno.test("verifyDecision() refuses another key's signature, another body, and malformed tokens", async () => {
  const [hub, other] = [await makeHub(), await makeHub()];
  await assertRefused(await other.sign({}, BODY), hub.verifyKeys, "no key of DECISION_VERIFY_KEYS signed");
  await assertRefused(hub.sign({}, BODY), hub.verifyKeys, "another body", new TextEncoder().encode(`${BODY} `));
  await assertRefused("", hub.verifyKeys, "not a signed token");
  await assertRefused("a.b.c", hub.verifyKeys, "not a signed token");
});

Deno.test("verifyDecision() refuses each part of a token that was changed", async () => {
  const hub = await makeHub();
  const [head = "", payload = "", signature = ""] = hub.sign({}, BODY).split(".");
  const changed = payload.slice(0, 20) + (payload[20] === "A" ? "B" : "A") + payload.slice(21);
  await assertRefused(`${head}.${changed}.${signature}`, hub.verifyKeys, "no key of");
  const none = btoa('{"alg":"none"}').replaceAll("=", "");
  await assertRefused(`${none}.${payload}.`, hub.verifyKeys, "not a signed token");
  await assertRefused(`${none}.${payload}.${signature}`, hub.verifyKeys, "not a signed token");
});

Deno.test("verifyDecision() refuses one that is old, long, or from the future", async () => {
  const hub = await makeHub();
  const now = Math.floor(Date.now() / 1000);
  await assertRefused(hub.sign({}, BODY, 60, now - 120), hub.verifyKeys, "expired");
  await assertRefused(hub.sign({}, BODY, 61), hub.verifyKeys, "more than 60 seconds");
  await assertRefused(hub.sign({}, BODY, 60, now + 30), hub.verifyKeys, "future");
});

Deno.test("verifyDecision() refuses another issuer, another audience, and claims of another form", async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("Ed25519 keys come in pairs");
  const keys = [pair.publicKey];
  const sign = (issuer: string, audience: string) =>
    new SignJWT({}).setProtectedHeader({ alg: "EdDSA" }).setIssuer(issuer).setAudience(audience)
      .setIssuedAt().setExpirationTime("30s").sign(pair.privateKey);
  await assertRefused(await sign("somebody", "executor"), keys, "iss is wrong");
  await assertRefused(await sign("governance-hub", "vault"), keys, "aud is wrong");
  await assertRefused(await sign("governance-hub", "executor"), keys, "agreed form, at jti");
});

Deno.test("verifyDecision() takes an operator's decision about nothing, and none about a server", async () => {
  const hub = await makeHub();
  const actor = { kind: "operator", id: crypto.randomUUID() } as const;
  assertEquals((await verify(hub.sign({ actor }, BODY), hub.verifyKeys)).actor, actor);
  for (const subject of [{ server: serverOf() }, { servers: [] }, { tool: "test.echo" }]) {
    await assertRefused(hub.sign({ actor, ...subject }, BODY), hub.verifyKeys, "an operator's decision names");
  }
});

Deno.test("verifyKeyOf() is the public key of the private one", async () => {
  const { signingKey, verifyKey } = await makeDecisionKeys();
  assertEquals(await verifyKeyOf(signingKey), verifyKey);
  assertEquals(await verifyKeyOf("short"), undefined);
});

Deno.test("importVerifyKeys() and importSigningKey() refuse malformed keys", async () => {
  const { verifyKey } = await makeDecisionKeys();
  for (const text of ["", ",", `${verifyKey},`, verifyKey.slice(1), `${verifyKey}=`]) {
    assertEquals(await importVerifyKeys(text), undefined, JSON.stringify(text));
  }
  assertEquals((await importVerifyKeys(`${verifyKey}, ${verifyKey}`))?.length, 2);
  assertEquals(importSigningKey("short"), undefined);
});

Deno.test("serviceOf() takes off the last dot only", () => {
  assertEquals(["amazon.", "acme.billing."].map(serviceOf), ["amazon", "acme.billing"]);
});
