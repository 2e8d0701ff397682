/** Lines of a stream of bytes, as MCP's stdio transport frames messages: UTF-8, each ended by LF. */

const LF = 10;

export class LineTooLong extends Error {
  override name = "LineTooLong";

  constructor(readonly maxBytes: number) {
    super(`a line is longer than ${maxBytes} bytes`);
  }
}

/** Cuts chunks into lines. What follows the last LF waits for the next chunk. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  constructor(readonly maxBytes: number) {}

  /** The lines that the chunk completes, without their ends. @throws {LineTooLong} */
  *split(chunk: Uint8Array): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, end));
      yield this.#take();
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.slice(start));
  }

  #keep(part: Uint8Array): void {
    this.#waitingBytes += part.length;
    if (this.#waitingBytes > this.maxBytes) throw new LineTooLong(this.maxBytes);
    this.#waiting.push(part);
  }

  #take(): string {
    const line = new Uint8Array(this.#waitingBytes);
    let offset = 0;
    for (const part of this.#waiting) {
      line.set(part, offset);
      offset += part.length;
    }
    this.#waiting = [];
    this.#waitingBytes = 0;
    return this.#decoder.decode(line).replace(/\r$/, "");
  }
}
