/**
 * Breaks down the time of a request inside a function from outside: the platform's functions that it calls (`fetch`,
 * WebCrypto, `console.log`) record when they start and end. Used only in the process of `phases_process.ts`.
 */

export interface Span {
  begun: number;
  ended: number;
}

export type ProbeName = "fetch" | "cipher";

/** The data API's first answer for each address. */
type Recorded = Map<string, { status: number; headers: [string, string][]; body: string }>;

export interface Probes {
  /** The spans since its last call. */
  take(): Record<ProbeName, Span[]>;
}

/** Installs the probes. Each address is requested once, and later requests get the same answer from memory. */
export function installProbes(): Probes {
  let spans: Record<ProbeName, Span[]> = { fetch: [], cipher: [] };
  const watch = <Parameters extends unknown[], Result>(
    name: ProbeName,
    call: (...parameters: Parameters) => Promise<Result>,
  ) =>
  async (...parameters: Parameters): Promise<Result> => {
    const begun = performance.now();
    try {
      return await call(...parameters);
    } finally {
      spans[name].push({ begun, ended: performance.now() });
    }
  };
  globalThis.fetch = watch("fetch", replay(globalThis.fetch));
  const { subtle } = crypto;
  Object.assign(subtle, {
    encrypt: watch("cipher", subtle.encrypt.bind(subtle)),
    decrypt: watch("cipher", subtle.decrypt.bind(subtle)),
  });
  return {
    take() {
      const taken = spans;
      spans = { fetch: [], cipher: [] };
      return taken;
    },
  };
}

function replay(ask: typeof fetch): typeof fetch {
  const recorded: Recorded = new Map();
  return async (input, init) => {
    const address = String(input);
    const known = recorded.get(address);
    if (known) return new Response(known.body, known);
    const response = await ask(input, init);
    const answer = { status: response.status, headers: [...response.headers], body: await response.text() };
    recorded.set(address, answer);
    return new Response(answer.body, answer);
  };
}
