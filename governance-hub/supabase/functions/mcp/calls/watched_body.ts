/** Passes a body on while it arrives, and tells how it ended. */

/** `whole`: to its end. `left`: the reader went away. `broken`: its source did. */
export type End = "whole" | "left" | "broken";

export interface WatchedBody {
  body: ReadableStream<Uint8Array>;
  /** The last characters, at most, that were passed on. */
  ended: Promise<{ end: End; tail: string }>;
}

const TAIL_BYTES = 128;

/**
 * @param conclude what to add at the end, if anything: it gets how the source ended, and the last characters. If it adds
 * something to a broken body, the reader sees a whole one.
 * @param signal aborted when the reader leaves. The same signal may break the source, and a body that nobody has begun to
 * read is never cancelled.
 */
export function watchBody(
  source: ReadableStream<Uint8Array>,
  conclude: (end: End, tail: string) => string | undefined,
  signal: AbortSignal,
): WatchedBody {
  const reader = source.getReader();
  const { promise: ended, resolve } = Promise.withResolvers<{ end: End; tail: string }>();
  let last = new Uint8Array();
  const tail = () => new TextDecoder().decode(last);
  const close = (controller: ReadableStreamDefaultController<Uint8Array>, end: End, error?: unknown) => {
    const more = conclude(end, tail());
    if (more !== undefined) controller.enqueue(new TextEncoder().encode(more));
    if (end === "whole" || more !== undefined) controller.close();
    else controller.error(error);
    resolve({ end, tail: tail() });
  };
  const leave = (reason?: unknown) => {
    resolve({ end: "left", tail: tail() });
    return reader.cancel(reason);
  };
  const onAbort = () => void leave(signal.reason).catch(() => {});
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) return close(controller, "whole");
        last = lastBytes(last, value);
        controller.enqueue(value);
      } catch (error) {
        close(controller, "broken", error);
      }
    },
    cancel: leave,
  });
  return { body, ended };
}

function lastBytes(before: Uint8Array, added: Uint8Array): Uint8Array<ArrayBuffer> {
  if (added.length >= TAIL_BYTES) return added.slice(-TAIL_BYTES);
  const both = new Uint8Array(before.length + added.length);
  both.set(before);
  both.set(added, before.length);
  return both.slice(-TAIL_BYTES);
}
