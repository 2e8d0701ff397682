/** A body from an unknown caller must not cost more than linear time. */

import { assert } from "@std/assert";
import * as z from "zod/mini";
import { endpoint } from "./endpoint.ts";
import { parseJson } from "./exact_json.ts";
import {
  args,
  command,
  credentials,
  credentialType,
  serverId,
  serverName,
  service,
  time,
  toolName,
  toolPrefix,
} from "../schema/request_fields.ts";
import { generateKey } from "../auth/api_key.ts";
import { findSecret } from "governance-hub/supabase/functions/_shared/secret_forms.ts";

const HALF = 64 * 1024 - 256;
const FULL = 2 * HALF;

const everyField = endpoint({
  project: { title: "", description: "", success: {}, failure: {}, environment: () => Promise.resolve({}) },
  resource: "test",
  method: "POST",
  about: () => ({ summary: "", description: "", data: z.object({}) }),
  fields: () => ({
    server_id: z.optional(serverId()),
    name: z.optional(serverName()),
    command: z.optional(command()),
    args: z.optional(args()),
    tool_prefix: z.optional(toolPrefix()),
    tool: z.optional(toolName()),
    service: z.optional(service()),
    credential_type: z.optional(credentialType()),
    credentials: z.optional(credentials()),
    since: z.optional(time()),
  }),
  answer: () => Promise.resolve({ status: 200, data: {} }),
});

const key = generateKey("agent");

async function send(body: string, headers: Record<string, string> = {}, query = ""): Promise<void> {
  const request = new Request(`http://x/test${query}`, {
    method: "POST",
    body,
    headers: { "x-api-key": key, "content-type": "application/json", ...headers },
  });
  await (await everyField.fetch(request)).body?.cancel();
}

/** Repeats the text up to that many bytes. */
function fill(text: string, bytes: number): string {
  return text.repeat(Math.max(1, Math.floor(bytes / text.length)));
}

const FIELDS = ["server_id", "name", "command", "tool_prefix", "tool", "service", "credential_type", "since"];
const FILLINGS = ["a", ".", "a.", "-", "_-", " ", "\\u0000", "\\ud800", "0", "A_", "2026-02-23T", "👩‍"];

const WORST: Record<string, (bytes: number) => string> = {
  "a number with zeros inside": (bytes) => `{"server_id":0.1${"0".repeat(bytes)}1}`,
  "a whole number with zeros inside": (bytes) => `{"server_id":1${"0".repeat(bytes)}1}`,
  "a number of zeros": (bytes) => `{"server_id":0.${"0".repeat(bytes)}}`,
  "a number of nines": (bytes) => `{"server_id":${"9".repeat(bytes)}}`,
  "an exponent of nines": (bytes) => `{"server_id":1e${"9".repeat(bytes)}}`,
  "many numbers": (bytes) => `{"args":[${fill("0.10,", bytes)}1]}`,
  "many small numbers": (bytes) => `{"args":[${fill("0,", bytes)}1]}`,
  "many empty strings": (bytes) => `{"args":[${fill('"",', bytes)}""]}`,
  "many nulls": (bytes) => `{"args":[${fill("null,", bytes)}1]}`,
  "many objects": (bytes) => `{"args":[${fill("{},", bytes)}1]}`,
  "one long argument": (bytes) => `{"args":["${"a".repeat(bytes)}"]}`,
  "an open array after an open array": (bytes) => "[".repeat(bytes),
  "nesting": (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2),
  "nested objects": (bytes) => fill('{"a":', bytes * 0.8) + "1" + "}".repeat(Math.floor(bytes * 0.8 / 5)),
  "backslashes": (bytes) => `{"name":"${fill("\\\\", bytes)}"}`,
  "quotes": (bytes) => `{"name":"${fill('\\"', bytes)}"}`,
  "a string without an end": (bytes) => `{"name":"${"a".repeat(bytes)}`,
  "white space": (bytes) => `{"name"${" ".repeat(bytes)}:"a"}`,
  "white space after a string": (bytes) => `{"args":[${fill('"a"          ,', bytes)}"a"]}`,
  "white space after one string": (bytes) => `{"args":["a"${" ".repeat(bytes)}]}`,
  "commas": (bytes) => `{"args":[${",".repeat(bytes)}]}`,
  "unknown names": (bytes) => `{${Array.from({ length: bytes / 10 }, (_, i) => `"n${i}":1`).join()}}`,
  "names of credentials": (bytes) =>
    `{"credentials":{${Array.from({ length: bytes / 10 }, (_, i) => `"n${i}":1`).join()}}}`,
  "one name again and again": (bytes) => `{${fill('"a":1,', bytes)}"a":1}`,
  "a long name twice": (bytes) => `{"${"a".repeat(bytes / 2)}":1,"${"a".repeat(bytes / 2)}":1}`,
};

for (const field of FIELDS) {
  for (const filling of FILLINGS) {
    WORST[`${field} full of ${JSON.stringify(filling)}`] = (bytes) => `{"${field}":"${fill(filling, bytes)}!"}`;
  }
}

/** The fastest of several runs, in milliseconds, so that other load on the machine does not count. */
async function leastTime(work: () => Promise<void> | void, runs: number): Promise<number> {
  let least = Infinity;
  for (let run = 0; run < runs; run++) {
    const startedAt = performance.now();
    await work();
    least = Math.min(least, performance.now() - startedAt);
  }
  return least;
}

/** Twice the size may take three times as long, and 25 ms more. Quadratic code takes seconds at this size. */
async function assertLinear(label: string, work: (bytes: number) => () => Promise<void> | void): Promise<void> {
  const half = await leastTime(work(HALF), 3);
  const full = await leastTime(work(FULL), 3);
  assert(full <= 3 * half + 25, `${label}: ${half.toFixed(1)} ms at ${HALF} bytes, ${full.toFixed(1)} ms at ${FULL}`);
}

Deno.test("an endpoint's time grows no faster than the body", async (t) => {
  for (const [label, make] of Object.entries(WORST)) {
    await t.step(label, () =>
      assertLinear(label, (bytes) => {
        const body = make(bytes);
        return () => send(body);
      }));
  }
});

Deno.test("an endpoint's time grows no faster than a header or the query", async (t) => {
  for (const name of ["authorization", "x-api-key", "x-request-id", "if-match", "if-none-match", "content-type"]) {
    for (const filling of ["a", "Bearer ", " ;", '"v1.1', 'W/"', ","]) {
      await t.step(`${name} full of ${JSON.stringify(filling)}`, () =>
        assertLinear(name, (bytes) => {
          const value = `${fill(filling, bytes)}!`;
          return () => send("{}", { [name]: value });
        }));
    }
  }
  for (const filling of ["a=1&", "&", "=", "%41", "forceFunctionRegion=1&"]) {
    await t.step(`a query full of ${filling}`, () =>
      assertLinear(filling, (bytes) => {
        const query = `?${fill(filling, bytes)}`;
        return () => send("{}", {}, query);
      }));
  }
});

Deno.test("64,000 elements cost no more than reading them", async () => {
  const many = `{"args":[${"1,".repeat(63_999)}1]}`;
  const reading = await leastTime(() => void parseJson(many), 10);
  const time = await leastTime(() => send(many), 10);
  assert(time <= 2 * reading + 20, `${time.toFixed(1)} ms, of which ${reading.toFixed(1)} ms are reading`);
});

Deno.test("findSecret()'s time grows no faster than the arguments", async (t) => {
  const beginnings = [
    "-----BEGIN ",
    "eyJ",
    "eyJa.",
    "sk_live_",
    "ghp_",
    "AKIA",
    "://",
    "https://a:",
    "--password=",
    "a@",
    "xoxb-",
  ];
  for (const filling of [...beginnings, "a", "A", "0", "-", "_", ".", "/", ":", "=", " ", "a.", "a-", "Aa0"]) {
    await t.step(`full of ${JSON.stringify(filling)}`, () =>
      assertLinear(filling, (bytes) => {
        // The most and the longest arguments that a request may have.
        const text = fill(filling, 4096).slice(0, 4095) + "!";
        const list = Array.from({ length: bytes / HALF * 4 }, () => text);
        return () => void findSecret(list);
      }));
  }
});
