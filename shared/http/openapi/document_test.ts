import { assert, assertEquals } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import * as fc from "fast-check";
import * as z from "zod/mini";
import { functionNames, type ProjectName, projectUrl } from "../../../scripts/stack/projects.ts";
import { type Field, FIELDS } from "../../../scripts/test/support/edges.ts";
import { documentText, documentUrl } from "../../../scripts/deploy/documents.ts";
import { below, type Contract, type Node, readContract } from "../../../scripts/test/support/openapi/document.ts";
import { STATUS } from "../../api_error.ts";
import { IF_MATCH, readIfMatch } from "governance-hub/supabase/functions/_shared/etag.ts";
import { tenantId } from "../../schema/request_fields.ts";
import { generateKey } from "../../auth/api_key.ts";
import { jsonSchema } from "./schema.ts";
import type { Handler } from "../respond.ts";
import { findSecret } from "governance-hub/supabase/functions/_shared/secret_forms.ts";
import { checkSelector, selectorFields } from "key-vault-executor/supabase/functions/_shared/vault.ts";

const DOCUMENTS: Record<ProjectName, string> = {
  "governance-hub": "/mcp-servers/openapi.json",
  "key-vault-executor": "/credentials/openapi.json",
};
const PROJECTS = Object.keys(DOCUMENTS) as ProjectName[];

/** Sends a request to the function of the path. */
async function ask(project: ProjectName, path: string, init: RequestInit = {}): Promise<Response> {
  const name = path.split(/[/?]/)[1];
  const { default: handler }: { default: Handler } = await import(
    projectUrl(project, `functions/${name}/index.ts`).href
  );
  return await handler.fetch(new Request(`http://localhost${path}`, init));
}

async function readDocument(project: ProjectName): Promise<Node> {
  return await (await ask(project, DOCUMENTS[project])).json();
}

Deno.test("openapi.json is answered only to GET, needs no key, and may be cached", async () => {
  for (const project of PROJECTS) {
    const { status, headers } = await ask(project, DOCUMENTS[project]);
    assertEquals([status, headers.get("content-type")], [200, "application/json"], project);
    assertEquals(headers.get("cache-control"), "public, max-age=300", project);
    assertEquals((await ask(project, DOCUMENTS[project], { method: "POST" })).status, 405, project);
  }
});

Deno.test("openapi.json is up to date with the endpoints: run `deno task build` after a change", async () => {
  for (const project of PROJECTS) {
    const file = await Deno.readTextFile(documentUrl(project));
    assert(file === documentText(project), `${documentUrl(project).pathname} is stale: run \`deno task build\``);
    assertEquals(await readDocument(project), JSON.parse(file), project);
  }
});

Deno.test("openapi.json is valid OpenAPI 3.1", async () => {
  for (const project of PROJECTS) {
    const validator = new Validator();
    const result = await validator.validate(await readDocument(project));
    assert(result.valid, JSON.stringify(result));
    assertEquals(validator.version, "3.1", project);
  }
});

Deno.test("openapi.json has every URL that answers, and no others", async () => {
  const paths: Record<ProjectName, string[]> = { "governance-hub": [], "key-vault-executor": [] };
  for (const project of PROJECTS) {
    paths[project] = Object.keys((await readDocument(project)).paths).sort();
    for (const path of paths[project]) assert((await ask(project, path)).status !== 404, path);
    const router = DOCUMENTS[project].split("/")[1];
    for (const name of await functionNames(project)) {
      // The gateway speaks JSON-RPC, which OpenAPI does not describe.
      assert([router, "mcp"].includes(name) || paths[project].includes(`/${name}`), name);
    }
  }
  assertEquals(paths, {
    "governance-hub": [
      "/authorize",
      "/mcp-servers-delete",
      "/mcp-servers-list",
      "/mcp-servers-register",
      "/mcp-servers-update",
      "/mcp-servers/delete",
      "/mcp-servers/events",
      "/mcp-servers/health",
      "/mcp-servers/list",
      "/mcp-servers/openapi.json",
      "/mcp-servers/register",
      "/mcp-servers/update",
    ],
    "key-vault-executor": [
      "/credentials-delete",
      "/credentials-list",
      "/credentials-retrieve",
      "/credentials-store",
      "/credentials/delete",
      "/credentials/events",
      "/credentials/health",
      "/credentials/list",
      "/credentials/openapi.json",
      "/credentials/retrieve",
      "/credentials/store",
      "/credentials/use",
    ],
  });
});

Deno.test("openapi.json has every error code under its status, and an example of it", async () => {
  const found = new Set<string>();
  for (const project of PROJECTS) {
    const { paths, components } = await readDocument(project);
    const { find } = readContract({ paths, components });
    for (const [path, item] of Object.entries<Node>(paths)) {
      for (const method of Object.keys(item)) {
        for (const status of Object.keys(item[method].responses)) {
          const { node } = find(below("/paths", path, method, "responses", status)) ?? {};
          for (const code of codesIn(components, node)) {
            assertEquals(String(STATUS[code]), status, `${path} ${code}`);
            found.add(code);
          }
        }
      }
    }
    for (const name of ["NotFound", "MethodNotAllowed"]) {
      codesIn(components, components.responses[name]).forEach((code) => found.add(code));
    }
    assertEquals(components.schemas.ErrorCode.enum, Object.keys(components.examples), project);
  }
  assertEquals([...found].sort(), Object.keys(STATUS).sort());
});

/** The codes of an error response, which must have an example of each. */
function codesIn(components: Node, response: Node): (keyof typeof STATUS)[] {
  const examples = response?.content?.["application/json"].examples ?? {};
  for (const [code, { $ref }] of Object.entries<Node>(examples)) {
    assertEquals($ref, `#/components/examples/${code}`, code);
    assertEquals(components.examples[code].value.error.code, code, code);
  }
  return Object.keys(examples) as (keyof typeof STATUS)[];
}

/** Every example of a document, with the pointer to its schema. */
function* examplesIn(contract: Contract, node: Node, pointer = ""): Generator<[schema: string, example: unknown]> {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node.examples)) { for (const example of node.examples) yield [pointer, example]; }
  if (node.schema && "example" in node) yield [below(pointer, "schema"), node.example];
  if (node.schema && node.examples) {
    for (const name of Object.keys(node.examples)) {
      yield [below(pointer, "schema"), contract.find(below(pointer, "examples", name))?.node.value];
    }
  }
  for (const [name, member] of Object.entries(node)) {
    if (!["example", "examples", "enum", "const"].includes(name)) {
      yield* examplesIn(contract, member, below(pointer, name));
    }
  }
}

/** Every schema of a document's components that has members, with its pointer. */
function* objectsIn(node: Node, pointer: string): Generator<[pointer: string, properties: Record<string, Node>]> {
  if (typeof node !== "object" || node === null) return;
  if (typeof node.properties === "object" && "type" in node) yield [pointer, node.properties];
  for (const [name, member] of Object.entries(node)) yield* objectsIn(member, below(pointer, name));
}

Deno.test("openapi.json names every body, and has only schemas that client generators accept", async () => {
  for (const project of PROJECTS) {
    const { paths, components } = await readDocument(project);
    const media = JSON.stringify({ paths, responses: components.responses }).matchAll(
      /"application\/json":\{"schema":\{(.)(\$ref)?/g,
    );
    for (const [text, , isReference] of media) assertEquals(isReference, "$ref", text);
    const objects = [...objectsIn(components.schemas, "/components/schemas")];
    assert(objects.length >= 20, `${objects.length}`);
    for (const [pointer, properties] of objects) {
      // One level deep, so that each type has a name that we chose.
      assertEquals(pointer.split("/").length, 4, pointer);
      for (const [name, schema] of Object.entries(properties)) {
        assertEquals(typeof schema, "object", `${pointer} ${name}`);
      }
    }
  }
});

Deno.test("the document's credential selector accepts and refuses the same values as the endpoints", async () => {
  const contract = readContract(await readDocument("key-vault-executor"));
  const fields = z.strictObject({ ...selectorFields(), tenant_id: z.optional(tenantId()) });
  const member = (good: string) => fc.option(fc.constantFrom(good, "", "a b", 1, null), { nil: undefined });
  const selectors = fc.record({
    credential_id: member("7d1f4a52-2f0e-4c6a-8a55-5f1f6f1f0c21"),
    service: member("amazon"),
    credential_type: member("api_key"),
    tenant_id: member("0b7f2c1e-6c1c-4a52-9d27-3a1c0f0d9b11"),
    other: fc.option(fc.constant("x"), { nil: undefined, freq: 1 }),
  });
  fc.assert(
    fc.property(selectors, (selector) => {
      const sent = JSON.parse(JSON.stringify(selector));
      const { success, data } = fields.safeParse(sent);
      const isTaken = success && checkSelector(data) === undefined;
      return isTaken === (contract.fault("/components/schemas/CredentialSelector", sent) === undefined);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("the document's pattern of If-Match accepts and refuses the same values as the endpoints", () => {
  const pattern = new RegExp(IF_MATCH["If-Match"]?.pattern ?? "^$");
  const isTaken = (value: string) => {
    try {
      readIfMatch(new Headers({ "if-match": value }), undefined);
      return true;
    } catch {
      return false;
    }
  };
  const part = fc.constantFrom('"', "W/", "*", "3", ",", " ", "a");
  const values = fc.array(part, { maxLength: 6 }).map((parts) => parts.join("").trim());
  fc.assert(fc.property(values, (value) => value === "" || pattern.test(value) === isTaken(value)), { numRuns: 5000 });
});

Deno.test("openapi.json has examples that match their schemas and contain no secret", async () => {
  for (const project of PROJECTS) {
    const document = await readDocument(project);
    const contract = readContract(document);
    const examples = [...examplesIn(contract, document)];
    assert(examples.length > 60, `${examples.length}`);
    for (const [schema, example] of examples) {
      assertEquals(contract.fault(schema, example), undefined, `${schema} ${JSON.stringify(example)}`);
      const words = JSON.stringify(example).split(/[^\w+/-]+/);
      assertEquals(findSecret(words), undefined, schema);
      // A long word of digits and letters that is neither a UUID nor a time could be a random secret.
      const isRandom = (word: string) => /^(?=.*\d)(?=.*[A-Za-z])[\w+/]{16,}$/.test(word);
      assertEquals(words.filter(isRandom), [], schema);
    }
  }
});

Deno.test("openapi.json has example requests that their endpoints accept", async () => {
  const headers = { "x-api-key": generateKey("agent"), "content-type": "application/json" };
  for (const project of PROJECTS) {
    const document = await readDocument(project);
    const { find } = readContract(document);
    for (const [path, item] of Object.entries<Node>(document.paths)) {
      const body = find(below("/paths", path, "post", "requestBody"))?.node.content["application/json"].example;
      const parameters: Node[] = item.get?.parameters.filter((parameter: Node) => parameter.in === "query") ?? [];
      const query = parameters.flatMap(({ name, schema }) =>
        schema.examples ? [[name, String(schema.examples[0])]] : []
      );
      const reply = item.post
        ? await ask(project, path, { method: "POST", headers, body: JSON.stringify(body) })
        : await ask(project, `${path}?${new URLSearchParams(query)}`, { headers });
      // 503: every check of the request passed, and only the environment is not set.
      assertEquals(reply.status, path === DOCUMENTS[project] ? 200 : 503, `${path} ${await reply.text()}`);
    }
  }
});

/** A contract with the schema of one field. */
function contractOf({ schema }: Field): Contract {
  assert(schema instanceof z.ZodMiniType);
  return readContract({ field: jsonSchema(schema, "input", {}) });
}

/** Rules that JSON Schema cannot express in portable patterns: lone surrogates, format characters, the size in bytes. */
function isBeyondSchemas(value: unknown): boolean {
  const texts = [value].flat().filter((part) => typeof part === "string");
  return texts.some((text) => !text.isWellFormed() || /\p{Cf}/u.test(text)) ||
    new TextEncoder().encode(texts.join("")).length > 32 * 1024;
}

for (const field of FIELDS) {
  Deno.test(`the schema of ${field.column} accepts and refuses the same values as its rule`, () => {
    const contract = contractOf(field);
    const agrees = (value: unknown) => {
      const fits = contract.fault("/field", value) === undefined;
      const isGood = field.schema.safeParse(value).success;
      return fits === isGood || (fits && isBeyondSchemas(value));
    };
    for (const sample of field.samples) assert(agrees(sample), JSON.stringify(sample)?.slice(0, 200));
    fc.assert(fc.property(field.arbitrary, agrees));
  });
}
