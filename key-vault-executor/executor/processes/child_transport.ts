/**
 * MCP over a child process's stdin and stdout. The child leads its own process group, and the group ends with it.
 * The SDK's own stdio transport leaves grandchildren running, passes variables on, and hides how the child ended.
 */

import {
  deserializeMessage,
  type JSONRPCMessage,
  serializeMessage,
  type Transport,
} from "@modelcontextprotocol/client";
import { LineSplitter, LineTooLong } from "./lines.ts";
import { OutputRing } from "./output_ring.ts";

/** A program, ready to start: nothing is inherited from the Executor. */
export interface Launch {
  command: string;
  args: string[];
  environment: Record<string, string>;
  /** Where the program starts; absent: the Executor's own folder. */
  folder?: string | undefined;
  /** The user that runs it; absent: the Executor's. */
  userId?: number | undefined;
}

export interface TransportOptions {
  /** A longer line ends the child. */
  maxLineBytes: number;
  /** So many bytes that are no messages end the child. */
  maxGarbageBytes: number;
  /** In milliseconds: how long a child may take to end by itself, once when its input ends and once after SIGTERM. */
  graceMs: number;
  /** Takes the secrets out of a line of error output. */
  clean: (line: string) => string;
}

export const DEFAULT_OPTIONS: TransportOptions = {
  maxLineBytes: 10 * 2 ** 20,
  maxGarbageBytes: 32 * 2 ** 20,
  graceMs: 500,
  clean: (line) => line,
};

/** How a child ended. `reason` is there if the transport ended it for what it did. */
export interface Exit {
  code: number;
  signal: string | null;
  reason?: string | undefined;
}

export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  /** Lines of stdout that were no messages. */
  garbageLines = 0;
  readonly errors: OutputRing;
  /** Resolves when the child and its group have ended. */
  readonly exited: Promise<Exit>;

  readonly #options: TransportOptions;
  readonly #launch: Launch;
  readonly #encoder = new TextEncoder();
  #child: Deno.ChildProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>> | undefined;
  #garbageBytes = 0;
  #reason: string | undefined;
  #resolveExit: (exit: Exit) => void;

  constructor(launch: Launch, options: Partial<TransportOptions> = {}) {
    this.#launch = launch;
    this.#options = { ...DEFAULT_OPTIONS, ...options };
    this.errors = new OutputRing(this.#options.clean);
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    this.#resolveExit = resolve;
  }

  /** The id of the child, which is its group's too. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  // deno-lint-ignore require-await -- a transport's start is asynchronous: a failure must reject
  async start(): Promise<void> {
    const { command, args, environment, folder, userId } = this.#launch;
    const child = new Deno.Command(command, {
      args,
      env: environment,
      clearEnv: true,
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(folder === undefined ? {} : { cwd: folder }),
      ...(userId === undefined ? {} : { uid: userId, gid: userId }),
    }).spawn();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    // A child that ended breaks the pipe: its end is told by `exited`.
    this.#input.closed.catch(() => {});
    const outputs = Promise.allSettled([this.#readMessages(child.stdout), this.#readErrors(child.stderr)]);
    void this.#watch(child, outputs);
  }

  /** Waits while the child does not read. @throws when the child has ended. */
  async send(message: JSONRPCMessage): Promise<void> {
    if (this.#input === undefined) throw new Error("the server has not been started");
    await this.#input.write(this.#encoder.encode(serializeMessage(message)));
  }

  /** Ends the child: its input first, then SIGTERM, then SIGKILL, to its whole group. */
  async close(): Promise<void> {
    if (this.#child === undefined) return this.#resolveExit({ code: 0, signal: null });
    this.#input?.close().catch(() => {});
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (await this.#hasEndedWithin(this.#options.graceMs)) return;
      this.#signal(signal);
    }
    await this.exited;
  }

  /** Ends the child at once, and says why. */
  kill(reason: string): void {
    this.#reason ??= reason;
    this.#signal("SIGKILL");
  }

  async #readMessages(stdout: ReadableStream<Uint8Array>): Promise<void> {
    const splitter = new LineSplitter(this.#options.maxLineBytes);
    try {
      for await (const chunk of stdout) {
        for (const line of splitter.split(chunk)) {
          this.#receive(line);
          // The SDK handles a notification a microtask later than a response: without this the last progress is lost.
          await Promise.resolve();
        }
      }
    } catch (error) {
      this.kill(
        error instanceof LineTooLong ? `the server sent a line of over ${error.maxBytes} bytes` : String(error),
      );
    }
  }

  #receive(line: string): void {
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch {
      return this.#countGarbage(line);
    }
    this.onmessage?.(message);
  }

  #countGarbage(line: string): void {
    if (line.trim() === "") return;
    this.garbageLines++;
    this.#garbageBytes += line.length;
    if (this.#garbageBytes > this.#options.maxGarbageBytes) {
      this.kill("the server's standard output is full of lines that are not MCP messages");
    }
  }

  async #readErrors(stderr: ReadableStream<Uint8Array>): Promise<void> {
    for await (const chunk of stderr) this.errors.add(chunk);
  }

  /** When the child has ended, so does what it left behind: its group, which may hold the pipes open. */
  async #watch(child: Deno.ChildProcess, outputs: Promise<unknown>): Promise<void> {
    const { code, signal } = await child.status;
    this.#signal("SIGKILL");
    // The last messages of a server that ended in order are still in the pipe. A process that left the group may hold it open.
    await Promise.race([outputs, delay(this.#options.graceMs)]);
    this.#resolveExit({ code, signal, reason: this.#reason });
    this.onclose?.();
  }

  #signal(signal: Deno.Signal): void {
    if (this.#child === undefined) return;
    try {
      Deno.kill(-this.#child.pid, signal);
    } catch {
      // The group has ended.
    }
  }

  async #hasEndedWithin(ms: number): Promise<boolean> {
    return await Promise.race([this.exited.then(() => true), delay(ms).then(() => false)]);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    // A timer that waits must not keep the Executor running.
    Deno.unrefTimer(setTimeout(resolve, ms));
  });
}
