/** The last lines of a server's error output, for the operator of the Executor. */

export const MAX_LINES = 200;

/** Longer lines are cut, in UTF-16 units; still longer ones are left out: where they end is not waited for. */
const MAX_LINE_LENGTH = 2000;
const MAX_WAITING_LENGTH = 2 ** 17;
const LEFT_OUT = "[a line that was too long]";

export class OutputRing {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #last = "";
  #isLeftOut = false;

  /** `clean` takes the secrets out of a line before it is kept. */
  constructor(readonly clean: (line: string) => string) {}

  add(chunk: Uint8Array): void {
    const [first = "", ...rest] = this.#decoder.decode(chunk, { stream: true }).split("\n");
    this.#extend(first);
    if (rest.length === 0) return;
    const lines = [this.#whole, ...rest.slice(0, -1).map((line) => this.#finish(line))];
    this.#lines.push(...lines.slice(-MAX_LINES));
    this.#lines.splice(0, this.#lines.length - MAX_LINES);
    this.#last = "";
    this.#isLeftOut = false;
    this.#extend(rest.at(-1) ?? "");
  }

  /** The oldest first; the last one may not have ended yet. Cleaned together too: a secret may go over several lines. */
  get lines(): string[] {
    const isBegun = this.#isLeftOut || this.#last !== "";
    const kept = (isBegun ? [...this.#lines, this.#whole] : this.#lines).slice(-MAX_LINES);
    return kept.length === 0 ? [] : this.clean(kept.join("\n")).split("\n");
  }

  #extend(part: string): void {
    this.#last += part;
    if (this.#last.length <= MAX_WAITING_LENGTH) return;
    this.#last = "";
    this.#isLeftOut = true;
  }

  get #whole(): string {
    return this.#isLeftOut ? LEFT_OUT : this.#finish(this.#last);
  }

  /** Cleaned before it is cut: half of a secret would not be recognised. */
  #finish(line: string): string {
    return this.clean(line).slice(0, MAX_LINE_LENGTH);
  }
}
