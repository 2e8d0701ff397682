/**
 * A proxy for tests: it gives the gateway's address to programs that cannot send a key, or that know a server's names and
 * URIs without its prefix. It adds the key and, in requests, the prefix; it takes the prefix away in answers. What a tool
 * answers is passed on as it comes.
 */

import { isCallMethod, isListMethod, targetOf, withTarget } from "shared/mcp/methods.ts";

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
    if (name !== null) headers.set("mcp-name", prefixed(name, prefix));
    const message = request.body === null ? undefined : JSON.parse(await request.text());
    const body = message === undefined ? null : JSON.stringify(withPrefix(message, prefix));
    const response = await fetch(url, { method: request.method, headers, body, signal: request.signal });
    const method = String(message?.method);
    if (method === "tools/call" || !isCallMethod(method) && !isListMethod(method)) {
      return new Response(response.body, response);
    }
    const text = (await response.text()).replaceAll(new RegExp(`"(name|uri|uriTemplate)":"${prefix}`, "g"), '"$1":"');
    const { status } = response;
    return new Response(text, { status, headers: { "content-type": response.headers.get("content-type") ?? "" } });
  };
  // A client that leaves aborts the request.
  const answer = (request: Request) => pass(request).catch(() => new Response(null, { status: 502 }));
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
  return { url: `http://127.0.0.1:${server.addr.port}/mcp`, [Symbol.asyncDispose]: () => server.shutdown() };
}

// deno-lint-ignore no-explicit-any -- a message of any form
function withPrefix(message: any, prefix: string): unknown {
  if (!isCallMethod(String(message?.method))) return message;
  const { name } = targetOf(message.method, message.params ?? {});
  if (typeof name !== "string") return message;
  return { ...message, params: withTarget(message.method, message.params, prefixed(name, prefix)) };
}

/** The hub's own tools keep their names. */
function prefixed(name: string, prefix: string): string {
  return name.trim().startsWith("hub.") ? name : prefix + name;
}
