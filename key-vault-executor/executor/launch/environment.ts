/** From a credential to the variables of the server that uses it. */

import { ToolCallError } from "../tool_call_error.ts";
import type { ServerCredential } from "./credentials.ts";
import { needlesOf } from "../redaction/needles.ts";
import type { Secret } from "../redaction/redact.ts";

/** The type that a server gets when its service has several. */
const DEFAULT_TYPE = "api_key";

/** Variables that change what a program loads or whom it trusts, rather than tell it something. Compared in capitals. */
const REFUSED = new RegExp(
  "^(?:" + [
    "PATH|HOME|SHELL|USER|LOGNAME|PWD|TMPDIR|ENV|BASH.*|IFS|SHELLOPTS|PS4|PROMPT_COMMAND",
    "LD_.*|DYLD_.*|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*|GLIBC_.*|HOSTALIASES|RES_OPTIONS|LOCALDOMAIN",
    "NODE_.*|NPM_.*|UV_.*|DENO_.*|BUN_.*|PYTHON.*|PIP_.*|VIRTUAL_ENV|PERL.*|RUBY.*|GEM_.*|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS",
    "(?:HTTP|HTTPS|ALL|NO|FTP)_PROXY|SSL_CERT_(?:FILE|DIR)|SSLKEYLOGFILE|OPENSSL_.*|REQUESTS_CA_BUNDLE|CURL_.*|GIT_.*",
  ].join("|") + ")$",
);

/** Every result is searched for each form of each secret, on the thread that serves all tenants. */
const MAX_NEEDLES = 2000;

const CAPITALS = /^[A-Z_][A-Z0-9_]*$/;

/** What a credential becomes. */
export interface CredentialEnvironment {
  variables: Record<string, string>;
  /** Every string that must not come out, nested ones too. */
  secrets: Secret[];
}

/**
 * The credential that a server gets, of those of its service; undefined where there is none.
 * @throws {ToolCallError} where it is not clear which one.
 */
export function chooseCredential(
  service: string,
  credentials: readonly ServerCredential[],
): ServerCredential | undefined {
  const chosen = credentials.find(({ credential_type }) => credential_type === DEFAULT_TYPE);
  if (chosen !== undefined || credentials.length <= 1) return chosen ?? credentials[0];
  const types = credentials.map(({ credential_type }) => credential_type).sort().join(", ");
  const message =
    `the service ${service} has credentials of the types ${types}, and none of the type ${DEFAULT_TYPE}: ` +
    `store the one to use as ${DEFAULT_TYPE}, or delete the others`;
  throw new ToolCallError("credential_ambiguous", message);
}

/** The variables of a credential. @throws {ToolCallError} if one cannot or must not be set. */
export function environmentOf({ service, credentials }: ServerCredential): CredentialEnvironment {
  const variables: Record<string, string> = {};
  const secrets: Secret[] = [];
  for (const [field, value] of Object.entries(credentials)) {
    if (value === null) continue;
    const name = variableName(service, field);
    if (Object.hasOwn(variables, name)) throw unusable(`two of its fields become ${name}: rename one`);
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text.includes("\0")) throw unusable(`${name} holds a NUL character, which no variable can hold`);
    variables[name] = text;
    secrets.push({ name, value: text }, ...nestedSecrets(name, value));
  }
  if (secrets.reduce((sum, { value }) => sum + needlesOf(value).length, 0) > MAX_NEEDLES) {
    throw unusable("it has too many strings or lines to search results for: store only what the server needs");
  }
  return { variables, secrets };
}

function variableName(service: string, field: string): string {
  const name = CAPITALS.test(field) ? field : toCapitals(`${service}_${field}`);
  if (REFUSED.test(name)) {
    throw unusable(`${name} would change how the server's program runs, so it is not set: rename the field`);
  }
  return name;
}

/** A letter or `_` comes first: shells know no other variables. */
function toCapitals(text: string): string {
  return text.toUpperCase().replace(/[^A-Z0-9]/g, "_").replace(/^(?=\d)/, "_");
}

/** The strings that a program finds in a value: nested ones, and parts of a string that it is likely to print. */
function nestedSecrets(name: string, value: unknown): Secret[] {
  if (typeof value === "string") return partsOf(value).map((part) => ({ name, value: part }));
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((item) => [
    ...(typeof item === "string" ? [{ name, value: item }] : []),
    ...nestedSecrets(name, item),
  ]);
}

/** The text without space around it, the password of a URL, the strings of a JSON object (a service account's file). */
function partsOf(text: string): string[] {
  const parts = text.trim() === text ? [] : [text.trim()];
  const { password } = URL.canParse(text) ? new URL(text) : { password: "" };
  if (password !== "") parts.push(password, decoded(password));
  return [...parts, ...(text.trim().startsWith("{") ? stringsOf(text) : [])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function stringsOf(json: string): string[] {
  try {
    return nestedSecrets("", JSON.parse(json)).map(({ value }) => value);
  } catch {
    return [];
  }
}

/** The names of variables are no secret: the agent that stored the credential must know which field to rename. */
function unusable(reason: string): ToolCallError {
  return new ToolCallError("credential_unusable", `the credential cannot be given to the server: ${reason}`);
}
