/**
 * The decision: what the hub allows the Executor to do, once, within a minute, with one request body.
 * A compact JWS (RFC 7515) signed with EdDSA over Ed25519 (RFC 8037). The hub signs with the private key. The Executor and
 * the vault have only public keys, so neither can make a decision.
 */

import { errors, jwtVerify } from "jose";
import * as z from "zod/mini";
import { CALL_METHODS, LIST_METHODS } from "../mcp/methods.ts";
import { REQUEST_ID_FORM } from "../http/respond.ts";
import { ALGORITHM, signJws } from "./jws.ts";
import { once } from "../lazy.ts";
import { sha256 } from "../crypto/sha256.ts";
import type { SigningKey } from "./decision_keys.ts";

const ISSUER = "governance-hub";
const AUDIENCE = "executor";

/** In seconds: the longest time from `iat` to `exp`. */
export const MAX_LIFETIME = 60;

/** In seconds: how far the clocks of the hub and the Executor may differ. */
export const CLOCK_TOLERANCE = 5;

const text = (max: number) => z.string().check(z.minLength(1), z.maxLength(max));

/** A server as the hub has it registered. `id` is the row's, `server_id` the tenant's own name for it. */
const decidedServer = once(() =>
  z.strictObject({
    id: z.uuid(),
    server_id: text(128),
    version: z.int().check(z.positive()),
    command: text(1024),
    args: z.array(z.string().check(z.maxLength(4096))).check(z.maxLength(128)),
    tool_prefix: text(64).check(z.endsWith(".")),
  })
);
export type DecidedServer = z.output<ReturnType<typeof decidedServer>>;

const MAX_SERVERS = 1000;

/** In units of UTF-16. The hub allows 2,048 characters, and one may have two units. */
const MAX_TARGET_LENGTH = 4096;

/** A decision with `server` and `tool` allows one call, with `servers` one list of theirs, with none the rest. */
const decision = once(() =>
  z.object({
    iss: z.literal(ISSUER),
    aud: z.literal(AUDIENCE),
    iat: z.int(),
    exp: z.int(),
    /** Begins with the request's id. Logs and the vault's events show it as the request's. */
    jti: z.string().check(z.regex(REQUEST_ID_FORM)),
    tenant_id: z.uuid(),
    organization_id: z.uuid(),
    /** Who asked: the key that called the hub, or an operator, who may ask for the status and nothing else. */
    actor: z.object({ kind: z.enum(["agent", "kernel", "operator"]), id: z.uuid() }),
    server: z.optional(decidedServer()),
    servers: z.optional(z.array(decidedServer()).check(z.maxLength(MAX_SERVERS))),
    /** The MCP method of a call or a list. It is good for no other one. */
    method: z.optional(z.enum([...CALL_METHODS, ...LIST_METHODS])),
    /** Of a call: the full name of the tool or prompt, or the URI of the resource. */
    tool: z.optional(text(MAX_TARGET_LENGTH)),
    body_sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  })
);
export type Decision = z.output<ReturnType<typeof decision>>;

/** What the hub decides. Signing adds the rest of the decision. */
export type Subject = Omit<Decision, "iss" | "aud" | "iat" | "exp" | "body_sha256">;

/** The service whose credentials a server uses: its prefix without the last dot. */
export function serviceOf(toolPrefix: string): string {
  return toolPrefix.replace(/\.$/, "");
}

/** Why a decision is refused. For the log, so it contains nothing from the decision. */
export class DecisionRefused extends Error {
  override name = "DecisionRefused";
}

/** A decision about one request body, in its wire form. `lifetime` is in seconds. */
export function signDecision(
  subject: Subject,
  body: Uint8Array,
  key: SigningKey,
  lifetime = MAX_LIFETIME,
  now = Math.floor(Date.now() / 1000),
): string {
  const times = { iat: now, exp: now + lifetime };
  return signJws(JSON.stringify({ ...subject, body_sha256: sha256(body), iss: ISSUER, aud: AUDIENCE, ...times }), key);
}

/**
 * The decision behind a token, if one of the keys signed it and it is fresh. It counts for one body, once: the Executor's
 * `body.ts` and `replays.ts` see to it. The three are apart so that no stranger makes the Executor read a body.
 * @throws {DecisionRefused}
 */
export async function verifyDecision(
  token: string,
  keys: readonly CryptoKey[],
  now = new Date(),
): Promise<Decision> {
  const parsed = decision().safeParse(await verifySignature(token, keys, now));
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new DecisionRefused(`the decision does not have the agreed form, at ${path || "its root"}`);
  }
  const { iat, exp, actor, server, servers, tool, method } = parsed.data;
  if (actor.kind === "operator" && (server ?? servers ?? tool ?? method) !== undefined) {
    throw new DecisionRefused("an operator's decision names a server");
  }
  if (exp <= iat || exp - iat > MAX_LIFETIME) {
    throw new DecisionRefused(`the decision is for more than ${MAX_LIFETIME} seconds`);
  }
  if (iat > now.getTime() / 1000 + CLOCK_TOLERANCE) throw new DecisionRefused("the decision is from the future");
  return parsed.data;
}

async function verifySignature(token: string, keys: readonly CryptoKey[], now: Date): Promise<unknown> {
  const options = {
    algorithms: [ALGORITHM],
    issuer: ISSUER,
    audience: AUDIENCE,
    clockTolerance: CLOCK_TOLERANCE,
    currentDate: now,
  };
  for (const key of keys) {
    try {
      return (await jwtVerify(token, key, options)).payload;
    } catch (error) {
      // Another key may have signed it: there are two while the key is rotated.
      if (error instanceof errors.JWSSignatureVerificationFailed) continue;
      throw new DecisionRefused(reasonOf(error), { cause: error });
    }
  }
  throw new DecisionRefused("no key of DECISION_VERIFY_KEYS signed the decision");
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "the decision has expired";
  if (error instanceof errors.JWTClaimValidationFailed) return `the decision's ${error.claim} is wrong`;
  return "the decision is not a signed token";
}
