/** A body of server-sent events, written while its reader takes them. */

export interface EventStream {
  body: ReadableStream<Uint8Array>;
  /** Does nothing once the stream is closed, or its reader has left. */
  write(text: string): void;
  /** False while the reader leaves what is written unread. */
  hasRoom(): boolean;
  close(): void;
}

/** Events that wait for a slow reader. */
const MAX_WAITING = 4;

const encoder = new TextEncoder();

/** @param onRoom when the reader has taken something. @param onLeave when it went away. */
export function openEventStream(onRoom: () => void, onLeave: () => void): EventStream {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start: (opened) => void (controller = opened),
    pull: onRoom,
    cancel() {
      controller = undefined;
      onLeave();
    },
  }, new CountQueuingStrategy({ highWaterMark: MAX_WAITING }));
  return {
    body,
    write: (text) => controller?.enqueue(encoder.encode(text)),
    hasRoom: () => (controller?.desiredSize ?? 0) > 0,
    close() {
      controller?.close();
      controller = undefined;
    },
  };
}
