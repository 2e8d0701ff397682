import { assert, assertEquals } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import * as fc from "fast-check";
import * as z from "zod/mini";
import { functionNames, type ProjectName, projectUrl } from "../scripts/stack/projects.ts";
import { type Field, FIELDS } from "../scripts/testing/edges.ts";
import { below, type Contract, type Node, readContract } from "../scripts/testing/openapi_document.ts";
import { STATUS } from "./api_error.ts";
import { generateKey } from "./key.ts";
import { jsonSchema } from "./openapi_schema.ts";
import type { Handler } from "./respond.ts";
import { findSecret } from "./secret_forms.ts";

const DOCUMENTS: Record<ProjectName, string> = {
  "governance-hub": "/mcp-servers/openapi.json",
  "key-vault-executor": "/credentials/openapi.json",
};
const PROJECTS = Object.keys(DOCUMENTS) as ProjectName[];

/** What the function of a path answers. */
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

Deno.test("openapi.json is answered to GET alone, without a key, and may be kept for a while", async () => {
  for (const project of PROJECTS) {
    const { status, headers } = await ask(project, DOCUMENTS[project]);
    assertEquals([status, headers.get("content-type")], [200, "application/json"]);
    assertEquals(headers.get("cache-control"), "public, max-age=300");
    assertEquals((await ask(project, DOCUMENTS[project], { method: "POST" })).status, 405);
  }
});

Deno.test("openapi.json is valid OpenAPI 3.1", async () => {
  for (const project of PROJECTS) {
    const validator = new Validator();
    const result = await validator.validate(await readDocument(project));
    assert(result.valid, JSON.stringify(result));
    assertEquals(validator.version, "3.1");
  }
});

Deno.test("openapi.json has every URL that answers, and no other", async () => {
  const paths: Record<ProjectName, string[]> = { "governance-hub": [], "key-vault-executor": [] };
  for (const project of PROJECTS) {
    paths[project] = Object.keys((await readDocument(project)).paths).sort();
    for (const path of paths[project]) assert((await ask(project, path)).status !== 404, path);
    const router = DOCUMENTS[project].split("/")[1];
    for (const name of await functionNames(project)) {
      assert(name === router || paths[project].includes(`/${name}`), name);
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
          for (const code of codesIn(node)) {
            assertEquals(String(STATUS[code]), status, `${path} ${code}`);
            found.add(code);
          }
        }
      }
    }
    for (const code of ["not_found", "method_not_allowed"]) {
      codesIn(components.responses[code]).forEach((code) => found.add(code));
    }
  }
  assertEquals([...found].sort(), Object.keys(STATUS).sort());
});

/** The codes of an error's response, which has an example of each. */
function codesIn(response: Node): (keyof typeof STATUS)[] {
  const { schema, examples } = response?.content?.["application/json"] ?? {};
  const codes = schema?.properties?.error?.properties.code.enum ?? [];
  assertEquals(codes, Object.keys(examples ?? {}));
  return codes;
}

/** Every example of a document with the place of its schema. */
function* examplesIn(node: Node, pointer = ""): Generator<[schema: string, example: unknown]> {
  if (typeof node !== "object" || node === null) return;
  if (Array.isArray(node.examples)) { for (const example of node.examples) yield [pointer, example]; }
  if (node.schema && "example" in node) yield [below(pointer, "schema"), node.example];
  if (node.schema && node.examples) {
    for (const { value } of Object.values<Node>(node.examples)) yield [below(pointer, "schema"), value];
  }
  for (const [name, member] of Object.entries(node)) {
    if (!["example", "examples", "enum", "const"].includes(name)) yield* examplesIn(member, below(pointer, name));
  }
}

Deno.test("openapi.json has examples that fit their schemas, and hold no secret", async () => {
  for (const project of PROJECTS) {
    const document = await readDocument(project);
    const contract = readContract(document);
    const examples = [...examplesIn(document)];
    assert(examples.length > 60, `${examples.length}`);
    for (const [schema, example] of examples) {
      assertEquals(contract.fault(schema, example), undefined, `${schema} ${JSON.stringify(example)}`);
      const words = JSON.stringify(example).split(/[^\w+/-]+/);
      assertEquals(findSecret(words), undefined, schema);
      // No word that may be random: long, with digits and letters, and neither a UUID nor a time.
      const isRandom = (word: string) => /^(?=.*\d)(?=.*[A-Za-z])[\w+/]{16,}$/.test(word);
      assertEquals(words.filter(isRandom), [], schema);
    }
  }
});

Deno.test("openapi.json has example requests that their endpoints take", async () => {
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
      // It has come as far as the environment, which is not set.
      assertEquals(reply.status, path === DOCUMENTS[project] ? 200 : 503, `${path} ${await reply.text()}`);
    }
  }
});

/** The schema of a field alone. */
function contractOf({ schema }: Field): Contract {
  assert(schema instanceof z.ZodMiniType);
  return readContract({ field: jsonSchema(schema, "input", {}) });
}

/** What JSON Schema cannot say: no lone surrogates, and so many bytes in all. */
function isBeyondSchemas(value: unknown): boolean {
  const texts = [value].flat().filter((part) => typeof part === "string");
  return texts.some((text) => !text.isWellFormed()) || new TextEncoder().encode(texts.join("")).length > 32 * 1024;
}

for (const field of FIELDS) {
  Deno.test(`the schema of ${field.column} takes what its rule takes, and refuses what it refuses`, () => {
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
