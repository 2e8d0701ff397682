/** A small shop on loopback, which takes orders with the right key only. It repeats the key in its answer. */

export interface Amazon {
  url: string;
  /** From now on it takes this key and no other. */
  expect(key: string): void;
  close(): Promise<void>;
}

export function startAmazon(): Amazon {
  let expected: string | undefined;
  let orders = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { product } = await request.json();
    const key = request.headers.get("authorization")?.replace("Bearer ", "");
    if (key !== expected) return Response.json({ message: `Amazon refuses the key ${key}` }, { status: 403 });
    return Response.json({ message: `order ${++orders}: ${product}, paid with the key ${key}` });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    expect: (key) => void (expected = key),
    close: () => server.shutdown(),
  };
}
