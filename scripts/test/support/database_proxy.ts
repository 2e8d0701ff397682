/** A proxy between a function and its data API. It slows or refuses the calls of one SQL function. */

export interface DatabaseProxy extends AsyncDisposable {
  url: string;
  /** The names of the SQL functions that were called, in order. */
  calls: string[];
}

/** @param meddle for each call, before it goes on: it may wait, or return an answer of its own. */
export function startDatabaseProxy(
  target: string,
  meddle: (name: string) => Promise<Response | undefined> | undefined,
): DatabaseProxy {
  const calls: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const name = pathname.split("/").at(-1) ?? "";
    calls.push(name);
    const { method, headers } = request;
    const body = await request.arrayBuffer();
    return await meddle(name) ?? await fetch(target + pathname + search, { method, headers, body });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    calls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
