/** The log: one line of JSON per request. It contains nothing from the request except its id. */

/** The caller, as the database identified it. */
export interface Actor {
  tenant_id?: string | null | undefined;
  kind?: string | undefined;
  id?: string | undefined;
}

export interface LogEntry {
  requestId: string;
  function: string;
  actor: Actor | undefined;
  status: number;
  startedAt: number;
  code?: string;
  /** What went wrong, for the operator: see {@linkcode describeCause}. */
  cause?: string;
}

export function logRequest(entry: LogEntry): void {
  // deno-lint-ignore no-console -- the platform collects standard output
  console.log(JSON.stringify({
    time: new Date().toISOString(),
    request_id: entry.requestId,
    function: entry.function,
    actor_kind: entry.actor?.kind ?? null,
    actor_id: entry.actor?.id ?? null,
    tenant_id: entry.actor?.tenant_id ?? null,
    status: entry.status,
    ms: Math.round((performance.now() - entry.startedAt) * 10) / 10,
    code: entry.code,
    cause: entry.cause,
  }));
}

/** The error's name and where it was thrown. Its message is left out, because it may quote the request. */
export function describeCause(cause: unknown): string {
  if (typeof cause === "string") return cause;
  if (!(cause instanceof Error)) return `a thrown ${typeof cause}`;
  const frames = (cause.stack ?? "").replace(cause.message, "").split("\n").filter((line) => /^\s+at /.test(line))
    .slice(0, 5);
  return [cause.name, ...frames.map((frame) => frame.trim())].join(" ");
}
