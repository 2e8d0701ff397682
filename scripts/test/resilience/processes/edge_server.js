/**
 * Replaces the platform's edge runtime: serves uploaded functions under `/functions/v1/`, and passes other requests to
 * the project's data API. Runs on Deno 2.1.4 without a configuration, so it imports only the uploaded files.
 */

const folder = Deno.env.get("UPLOADED");
const handlers = new Map();

Deno.serve({ hostname: "127.0.0.1", port: Number(Deno.env.get("PORT")), onListen: () => {} }, async (request) => {
  const url = new URL(request.url);
  const [, name, rest] = /^\/functions\/v1\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
  const { headers } = request;
  // As scripts/stack/project/functions.ts does: a new Request refuses some methods and turns `get` into GET.
  const isKept = /^[A-Z]+$/.test(request.method) && !["TRACE", "TRACK", "CONNECT"].includes(request.method);
  const method = isKept ? request.method : "UNSUPPORTED";
  const body = ["GET", "HEAD"].includes(method) ? null : request.body;
  if (name === undefined) {
    return await fetch(Deno.env.get("SUPABASE_URL") + url.pathname + url.search, { method, headers, body });
  }
  if (!handlers.has(name)) {
    const module = await import(`${folder}/${name}.js`).catch(() => undefined);
    if (module === undefined) return Response.json({ code: "NOT_FOUND" }, { status: 404 });
    handlers.set(name, module.default);
  }
  return await handlers.get(name).fetch(
    new Request(new URL(`/${name}${rest}${url.search}`, url), { method, headers, body }),
  );
});
