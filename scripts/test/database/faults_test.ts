import { assert, assertEquals } from "@std/assert";
import { generateKey } from "shared/auth/api_key.ts";
import type { ProjectName } from "../../stack/projects.ts";
import { type EndpointCase } from "../support/endpoints.ts";
import { servedEndpoints, serveFunction } from "../support/serve_function.ts";

async function ask(url: string, { method, body }: EndpointCase, path: string): Promise<[number, string]> {
  const response = await fetch(`${url}/${path}`, {
    method,
    headers: { "x-api-key": generateKey("agent"), "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body()) }),
  });
  return [response.status, (await response.json()).error.code];
}

for (const project of ["governance-hub", "key-vault-executor"] satisfies ProjectName[]) {
  for (const [name, served] of await servedEndpoints(project)) {
    Deno.test(`${name} answers 503 without its configuration, and logs what to set`, async () => {
      const running = await serveFunction(project, name, {});
      try {
        for (const [endpoint, path] of served) {
          assertEquals(await ask(running.url, endpoint, path), [503, "unavailable"], path);
        }
        assert(running.output().includes('"cause":"SUPABASE_URL is not set: it must be'), running.output());
      } finally {
        await running.stop();
      }
    });

    Deno.test(`${name} answers 500 when the database fails, and shows the SQLSTATE only in the log`, async () => {
      const database = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        () => Response.json({ code: "XX000", message: "canary", details: "canary", hint: "canary" }, { status: 500 }),
      );
      const url = `http://127.0.0.1:${database.addr.port}`;
      const running = await serveFunction(project, name, {
        SUPABASE_URL: url,
        SUPABASE_SECRET_KEYS: '{"default":"sb_secret_x"}',
        REPO_B_URL: url,
        REPO_B_SERVICE_KEY: "sb_secret_y",
        CREDENTIAL_ENCRYPTION_KEY: "ab".repeat(32),
      });
      try {
        for (const [endpoint, path] of served) {
          assertEquals(await ask(running.url, endpoint, path), [500, "internal"], path);
        }
        assert(running.output().includes("XX000") && !running.output().includes("canary"), running.output());
      } finally {
        await running.stop();
        await database.shutdown();
      }
    });
  }
}
