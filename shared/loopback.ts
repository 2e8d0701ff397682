/** Which hosts are this machine. Nobody else can read a connection to them, so they need no TLS. */

/** Takes the `hostname` of a URL. `URL` writes `127.1` as `127.0.0.1`, but not in `postgresql:` addresses. */
export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** For functions: the containers of `supabase start` reach this machine as `host.docker.internal`. */
export function isThisMachine(hostname: string): boolean {
  return isLoopback(hostname) || hostname === "host.docker.internal";
}

/** Whether an address may receive a secret: over TLS, or on this machine. */
export function isSafeAddress({ protocol, hostname }: URL, isNear = isLoopback): boolean {
  return protocol === "https:" || (protocol === "http:" && isNear(hostname));
}
