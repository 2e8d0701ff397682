/** Checks that every endpoint makes before it acts. The matrix tests who may act. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { issueApiKey, issueKernel, SCOPES } from "../../admin/client/operator.ts";
import { type ProjectName, RESOURCES } from "../../stack/projects.ts";
import { assertRefused, newTenant, type Reply, type Send, send, stack } from "../support/client.ts";
import { sendRaw } from "../support/raw_request.ts";
import { type EndpointCase, endpointsOf } from "../support/endpoints.ts";

export async function testBoundary(project: ProjectName): Promise<void> {
  const tenant = await newTenant();

  for (const endpoint of await endpointsOf(project)) {
    for (const path of endpoint.paths) {
      const title = `${endpoint.method} /${path}`;
      const ask = (options: Send = {}, query = "") =>
        send(project, path + query, {
          method: endpoint.method,
          ...(endpoint.body && { body: endpoint.body() }),
          key: tenant.agent,
          ...options,
        });
      const asKernel = (key: string, tenantId: string) => askFor(endpoint, ask, key, tenantId);

      Deno.test(`${title} answers 404 to longer and to similar paths`, async () => {
        for (
          const other of [`${path}/`, `${path}/x`, `${path}x`.replace("/", "%2F"), `${RESOURCES[project]}/nonsense`]
        ) {
          const reply = await send(project, other, { method: endpoint.method, key: tenant.agent });
          assertEquals(reply.status, 404, other);
        }
        assertRefused(await send(project, `${path}/x`, { key: tenant.agent }), 404, "not_found");
      });

      Deno.test(`${title} answers 405 to other methods, and names the allowed ones`, async (t) => {
        const allowed = endpoint.method === "GET" ? ["GET", "HEAD"] : [endpoint.method];
        const others = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].filter((m) => !allowed.includes(m));
        for (const method of others) {
          await t.step(method, async () => {
            const reply = await send(project, path, { method, key: tenant.agent });
            assertRefused(reply, 405, "method_not_allowed");
            assertEquals(reply.headers.get("allow"), allowed.join(", "));
          });
        }
      });

      Deno.test(`${title} answers 405 with an error body to its method in lower case, to TRACE and to others`, async (t) => {
        for (const method of [endpoint.method.toLowerCase(), "head", "TRACE", "trace", "PROPFIND"]) {
          await t.step(method, async () => {
            const { status, body } = await sendRaw(project, path, { method, key: tenant.agent });
            const { error, request_id } = JSON.parse(body || "{}");
            assertEquals([status, error?.code], [405, "method_not_allowed"], body);
            assert(request_id.length > 0);
          });
        }
      });

      if (endpoint.method === "GET") {
        Deno.test(`HEAD /${path} answers like GET, without the body`, async () => {
          const got = await ask();
          const head = await ask({ method: "HEAD" });
          const fields = ["content-type", "cache-control", "etag"];
          const told = ({ status, headers }: Reply) => [status, ...fields.map((name) => headers.get(name))];
          assertEquals(told(head), told(got));
          assertEquals([got.status, head.text], [200, ""]);
          assertEquals((await send(project, path, { method: "HEAD" })).status, 401);
        });
      }

      const { scope, acts } = endpoint;
      const testScope = (name: string, test: (scope: string) => Promise<void>) => {
        if (scope !== null && acts !== "lends") Deno.test(`${title} ${name}`, () => test(scope));
      };

      testScope("answers 403 to a key without its scope, and names the scope", async (scope) => {
        const scopes = SCOPES.filter((other) => other !== scope);
        const all = await issueApiKey(stack.governance_hub, tenant.id, { name: "all but one", scopes });
        const none = await issueApiKey(stack.governance_hub, tenant.id, { name: "none", scopes: [] });
        const kernel = await issueKernel(stack.governance_hub, stack.kernel_hmac_secret, tenant.organizationId, {
          name: "all but one",
          scopes,
        });
        const replies = [
          await ask({ key: all.key }),
          await ask({ key: none.key }),
          await asKernel(kernel.key, tenant.id),
        ];
        for (const reply of replies) {
          assertRefused(reply, 403, "insufficient_scope");
          assert(reply.body.error.message.includes(scope), reply.text);
        }
        const only = await issueApiKey(stack.governance_hub, tenant.id, { name: "one", scopes: [scope] });
        assert((await ask({ key: only.key })).status !== 403);
      });

      Deno.test(`${title} answers 400 to a kernel that names no tenant, or a tenant that is not a UUID`, async () => {
        assertRefused(await ask({ key: tenant.kernel }), 400, "invalid_request", "tenant_id");
        assertRefused(await asKernel(tenant.kernel, "acme"), 400, "invalid_request", "tenant_id");
      });

      Deno.test(`${title} answers 400 to unknown and repeated query parameters, except the platform's own`, async () => {
        assertRefused(await ask({}, "?colour=red"), 400, "invalid_request", "colour");
        assertRefused(await ask({}, "?Secret1=x"), 400, "invalid_request", "");
        assertRefused(await ask({}, "?tenant_id=x&tenant_id=y"), 400, "invalid_request", "tenant_id");
        const reply = await ask({}, "?forceFunctionRegion=eu-west-1");
        if (acts === "lends") assertRefused(reply, 403, "kernel_required");
        else assert([200, 201, 404].includes(reply.status), reply.text);
      });

      Deno.test(`${title} returns the request's id if it is valid`, async () => {
        const given = "trace:1.2_3-A";
        assertEquals((await ask({ headers: { "x-request-id": given } })).headers.get("x-request-id"), given);
        for (const bad of ["two words", "x".repeat(129), "a/b"]) {
          assertMatch(
            (await ask({ headers: { "x-request-id": bad } })).headers.get("x-request-id") ?? "",
            /^[0-9a-f-]{36}$/,
            bad,
          );
        }
      });

      if (endpoint.method === "POST") testBody(title, ask, endpoint);
    }
  }

  Deno.test(`GET /${RESOURCES[project]}/health answers without a key`, async () => {
    const reply = await send(project, `${RESOURCES[project]}/health`, {});
    assertEquals([reply.status, reply.body.data], [200, { healthy: true }]);
    const posted = await send(project, `${RESOURCES[project]}/health`, { method: "POST" });
    assertRefused(posted, 405, "method_not_allowed");
  });
}

function testBody(
  title: string,
  ask: (options?: Send) => Promise<Reply>,
  { body = () => ({}), isBodyOptional = false }: EndpointCase,
): void {
  Deno.test(`${title} answers 415 to other content types`, async () => {
    assertRefused(await ask({ headers: { "content-type": "text/plain" } }), 415, "unsupported_media_type");
  });

  Deno.test(`${title} answers 413 to a body of 128 KiB and a byte`, async () => {
    assertRefused(await ask({ body: " ".repeat(128 * 1024 + 1) }), 413, "payload_too_large");
  });

  Deno.test(`${title} answers 400 to a body that is not a JSON object`, async () => {
    for (const text of ["{", "{'a':1}", ...(isBodyOptional ? [] : [""])]) {
      assertRefused(await ask({ body: text }), 400, "invalid_json");
    }
    for (const text of ["[]", "null", "1", '"x"']) assertRefused(await ask({ body: text }), 400, "invalid_request", "");
  });

  Deno.test(`${title} answers 400 to an unknown field, and does not echo a name that may be a value`, async () => {
    assertRefused(await ask({ body: { ...body(), colour: "red" } }), 400, "invalid_request", "colour");
    const reply = await ask({ body: { ...body(), "AKIAIOSFODNN7EXAMPLE": 1 } });
    assertRefused(reply, 400, "invalid_request", "");
    assert(!reply.text.includes("AKIA"));
    const proto = JSON.stringify(body()).replace("{", '{"__proto__":{},');
    assertRefused(await ask({ body: proto }), 400, "invalid_request", "__proto__");
  });
}

/** The endpoint's request with a tenant: in the body of a POST, in the query of a GET. */
function askFor(
  { method, body }: EndpointCase,
  ask: (options?: Send, query?: string) => Promise<Reply>,
  key: string,
  tenantId: string,
): Promise<Reply> {
  return method === "POST"
    ? ask({ key, body: { ...body?.(), tenant_id: tenantId } })
    : ask({ key }, `?tenant_id=${encodeURIComponent(tenantId)}`);
}
