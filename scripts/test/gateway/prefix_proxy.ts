/**
 * A proxy for tests: it gives the gateway's address to programs that cannot send a key, or that know tools by other names.
 * It adds the key, and the prefix to tools' names in requests; it takes the prefix away in lists. The rest is passed on.
 */

interface Gateway {
  url: string;
  key: string;
}

export interface PrefixProxy extends AsyncDisposable {
  url: string;
}

export function startPrefixProxy({ url, key }: Gateway, prefix: string): PrefixProxy {
  const pass = async (request: Request) => {
    const headers = new Headers(request.headers);
    headers.set("x-api-key", key);
    const name = headers.get("mcp-name");
    if (name !== null && headers.get("mcp-method") === "tools/call") headers.set("mcp-name", prefixed(name, prefix));
    const body = request.body === null ? null : withPrefix(await request.text(), prefix);
    const response = await fetch(url, { method: request.method, headers, body, signal: request.signal });
    const isList = headers.get("mcp-method") === "tools/list" || body?.includes('"tools/list"');
    if (!isList) return new Response(response.body, response);
    const text = (await response.text()).replaceAll(`"name":"${prefix}`, '"name":"');
    const { status } = response;
    return new Response(text, { status, headers: { "content-type": response.headers.get("content-type") ?? "" } });
  };
  // A client that leaves aborts the request.
  const answer = (request: Request) => pass(request).catch(() => new Response(null, { status: 502 }));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return { url: `http://127.0.0.1:${server.addr.port}/mcp`, [Symbol.asyncDispose]: () => server.shutdown() };
}

function withPrefix(text: string, prefix: string): string {
  const message = JSON.parse(text);
  if (message?.method !== "tools/call") return text;
  return JSON.stringify({ ...message, params: { ...message.params, name: prefixed(message.params.name, prefix) } });
}

/** The hub's own tools keep their names. */
function prefixed(name: string, prefix: string): string {
  return name.trim().startsWith("hub.") ? name : prefix + name;
}
