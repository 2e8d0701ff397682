/** Bodies that no client should send: too large, too deep, different from their headers, and random. */

import { assert, assertEquals } from "@std/assert";
import { encodeBase64Url } from "@std/encoding/base64url";
import * as fc from "fast-check";
import type { ProjectName } from "../../stack/projects.ts";
import { assertRefused, newTenant, projectOf, send } from "../support/client.ts";
import { type EndpointCase, endpointsOf } from "../support/endpoints.ts";
import { sendRaw } from "../support/raw_request.ts";

const TEN_MEGABYTES = 10_000_000;

export async function testBadInput(project: ProjectName): Promise<void> {
  const { agent } = await newTenant();
  for (const endpoint of await endpointsOf(project)) {
    for (const path of endpoint.paths) {
      const title = `${endpoint.method} /${path}`;
      if (endpoint.method === "POST") testPost(title, endpoint, path, agent);

      Deno.test(`${title} never answers 500 to random ${endpoint.method === "POST" ? "JSON" : "parameters"}`, async () => {
        const arbitrary = endpoint.method === "POST" ? bodies(endpoint) : queries();
        await fc.assert(
          fc.asyncProperty(arbitrary, async (input) => {
            const reply = await (endpoint.method === "POST"
              ? send(project, path, { key: agent, body: input })
              : send(project, path + input, { key: agent }));
            assert([200, 201, 400, 403, 404, 409].includes(reply.status), `${reply.status} to ${input}: ${reply.text}`);
            if (reply.status === 400) {
              assert(reply.body.error.message.length > 0);
            }
          }),
          { numRuns: 150 },
        );
      });
    }
  }
}

function testPost(title: string, endpoint: EndpointCase, path: string, agent: string): void {
  const { project, body = () => ({}) } = endpoint;
  const sendLength = async (length: number, body: string) => {
    const headers = ["content-type: application/json", `content-length: ${length}`];
    return (await sendRaw(project, path, { method: "POST", key: agent, headers, body })).status;
  };

  Deno.test(`${title} answers 413 to 10 MB, with a content-length and without one`, async () => {
    assertRefused(await send(project, path, { key: agent, body: "x".repeat(TEN_MEGABYTES) }), 413, "payload_too_large");
    const chunk = new Uint8Array(100_000).fill(0x20);
    const streamed = await fetch(`${projectOf(project).url}/functions/v1/${path}`, {
      method: "POST",
      headers: { "x-api-key": agent, "content-type": "application/json" },
      body: ReadableStream.from(Array(TEN_MEGABYTES / chunk.length).fill(chunk)),
    });
    assertEquals([streamed.status, (await streamed.json()).error.code], [413, "payload_too_large"]);
  });

  Deno.test(`${title} does not wait for a body whose content-length is far too large`, async () => {
    assertEquals(await sendLength(10 * TEN_MEGABYTES, "{}"), 413);
  });

  Deno.test(`${title} reads no more than its content-length`, async () => {
    const text = JSON.stringify(body());
    assertEquals(await sendLength(text.length - 1, text + " ".repeat(1000)), 400);
  });

  Deno.test(`${title} answers 400 to nesting of 33 levels in any field, and echoes none of it`, async () => {
    const deep = `${'{"canary":'.repeat(33)}1${"}".repeat(33)}`;
    for (const field of [...Object.keys(body()), "other"]) {
      const text = JSON.stringify({ ...body(), [field]: 0 }).replace(`"${field}":0`, `"${field}":${deep}`);
      const reply = await send(project, path, { key: agent, body: text });
      assertRefused(reply, 400, "invalid_request", field);
      assert(!reply.text.includes("canary"), field);
    }
  });

  Deno.test(`${title} answers 400 to NUL, control characters and lone surrogates in any text`, async () => {
    for (const [field, value] of Object.entries(body()).filter(([, value]) => typeof value === "string")) {
      for (const bad of ["\u0000", "\u0007", "\n", "\u007f", "\u009f", "\ud800", "\udfff"]) {
        const reply = await send(project, path, { key: agent, body: { ...body(), [field]: value + bad } });
        assertRefused(reply, 400, "invalid_request", field);
      }
    }
  });

  Deno.test(`${title} answers 400 to a repeated name`, async () => {
    const text = JSON.stringify(body());
    const [first] = Object.entries(body());
    const twice = text.replace("{", `{"${first?.[0]}":${JSON.stringify(first?.[1])},`);
    assertRefused(await send(project, path, { key: agent, body: twice }), 400, "invalid_request", first?.[0]);
  });
}

/** JSON texts: random ones, and the endpoint's own body with one or two random members. */
function bodies({ body = () => ({}) }: EndpointCase): fc.Arbitrary<string> {
  const anything = fc.jsonValue({ stringUnit: "binary", maxDepth: 4 });
  const names = fc.constantFrom(
    ...Object.keys(body()),
    "tenant_id",
    "enabled",
    "credential_id",
    "credential_type",
    "x",
  );
  const almost = fc.dictionary(names, anything, { maxKeys: 2 }).map((other) => JSON.stringify({ ...body(), ...other }));
  return fc.oneof(
    fc.json({ stringUnit: "binary", maxDepth: 6 }),
    almost,
    fc.string({ unit: "binary" }).map((s) => s.toWellFormed()),
  );
}

function queries(): fc.Arbitrary<string> {
  const names = fc.constantFrom("limit", "cursor", "enabled_only", "service", "tenant_id", "x");
  const anyText = fc.string({ unit: "binary" });
  const cursor = fc.array(anyText, { maxLength: 3 }).map((parts) => encodeBase64Url(JSON.stringify(parts)));
  const text = fc.oneof(anyText.map((value) => value.toWellFormed()), cursor);
  return fc.array(fc.tuple(names, text), { maxLength: 3 }).map((pairs) => `?${new URLSearchParams(pairs)}`);
}
