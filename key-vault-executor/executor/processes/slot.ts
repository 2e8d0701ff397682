/** A server of a tenant at one version, and its process: none, starting, or one. Calls of that tenant share it. */

import { backoffMs } from "./backoff.ts";
import { ToolCallError } from "../tool_call_error.ts";
import { ChildTransport, type Exit, type Launch } from "./child_transport.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import type { Redact } from "../redaction/redact.ts";
import { type Era, RunningServer, serverEnded } from "./running_server.ts";

/** All in milliseconds, except the counts. */
export interface SlotOptions {
  startMs: number;
  /** Without a call, until the process is ended. */
  idleMs: number;
  /** Between two questions whether the credential is still the same. */
  credentialMs: number;
  /** The same after a tool has failed. */
  failedCredentialMs: number;
  healthMs: number;
  healthTimeoutMs: number;
  firstBackoffMs: number;
  maxBackoffMs: number;
  /** A process that ran for so long has not failed to start. */
  stableMs: number;
  crashLoopAfter: number;
  maxCallsInFlight: number;
}

export const DEFAULT_SLOT_OPTIONS: SlotOptions = {
  startMs: 30_000,
  idleMs: 600_000,
  credentialMs: 30_000,
  failedCredentialMs: 1000,
  healthMs: 30_000,
  healthTimeoutMs: 10_000,
  firstBackoffMs: 1000,
  maxBackoffMs: 60_000,
  stableMs: 60_000,
  crashLoopAfter: 5,
  maxCallsInFlight: 16,
};

/** What a process is started with. */
export interface Preparation {
  launch: Launch;
  redact: Redact;
  /** Differs whenever the credential does. */
  fingerprint: string;
}

/** How to start this server now, asked with the decision (in its signed form) that wants it started. */
export type Prepare = (decision: string) => Promise<Preparation>;

export type SlotState = "stopped" | "starting" | "running" | "idle" | "backoff" | "crash_loop";

export class Slot {
  calls = 0;
  restarts = 0;
  inFlight = 0;
  lastExit: (Exit & { at: string }) | undefined;
  lastError: string | undefined;
  since = new Date().toISOString();
  lastUsed = Date.now();

  #running: RunningServer | undefined;
  /** Of the last process, whether it runs, has ended, or did not start: its error output tells why. */
  #transport: ChildTransport | undefined;
  #starting: Promise<RunningServer> | undefined;
  #isEnded = false;
  #hasStarted = false;
  #era: Era = "auto";
  #fingerprint = "";
  #checkedAt = 0;
  #startedAt = 0;
  #healthAt = 0;
  #failures = 0;
  #retryAt = 0;

  constructor(readonly server: DecidedServer, readonly prepare: Prepare, readonly options: SlotOptions) {}

  /** Gives the work a process, and starts it if there is none. @throws {ToolCallError} */
  async use<T>(decision: string, work: (server: RunningServer) => Promise<T>): Promise<T> {
    if (this.inFlight >= this.options.maxCallsInFlight) {
      const message = `this server has ${this.inFlight} calls in flight: try again when one has ended`;
      throw new ToolCallError("busy", message);
    }
    this.inFlight++;
    this.calls++;
    try {
      return await work(await this.#ready(decision));
    } catch (error) {
      if (error instanceof ToolCallError) this.lastError = `${error.code}: ${error.message}`;
      throw error;
    } finally {
      this.inFlight--;
      this.lastUsed = Date.now();
    }
  }

  get state(): SlotState {
    if (this.#starting !== undefined && this.#running === undefined) return "starting";
    if (this.#running !== undefined) return this.inFlight > 0 ? "running" : "idle";
    if (this.#failures >= this.options.crashLoopAfter) return "crash_loop";
    return this.#failures > 0 ? "backoff" : "stopped";
  }

  /** The last lines of its error output, redacted, and what else its process tells. */
  get process(): { pid: number | undefined; garbageLines: number; errors: string[] } {
    return {
      pid: this.#running?.transport.pid,
      garbageLines: this.#transport?.garbageLines ?? 0,
      errors: this.#transport?.errors.lines ?? [],
    };
  }

  /** What is due by the clock: an idle process ends, another proves that it answers. */
  async tick(now = Date.now()): Promise<void> {
    const server = this.#running;
    if (server === undefined || this.inFlight > 0 || this.#starting !== undefined) return;
    if (now - this.lastUsed >= this.options.idleMs) return await this.#stop();
    if (now - this.#healthAt < this.options.healthMs) return;
    this.#healthAt = now;
    await server.checkHealth(this.options.healthTimeoutMs).catch(() => {
      server.transport.kill("the server did not answer a health check");
    });
  }

  /** Ends the process and every call. Nothing is started any more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    if (this.state === "starting") this.#transport?.kill("the server was ended while it started");
    await this.#starting?.catch(() => {});
    await this.#stop();
  }

  async #ready(decision: string): Promise<RunningServer> {
    const { credentialMs, failedCredentialMs } = this.options;
    const trustedMs = this.#running?.hasFailed ? failedCredentialMs : credentialMs;
    if (this.#running !== undefined && Date.now() - this.#checkedAt < trustedMs) return this.#running;
    this.#starting ??= this.#obtain(decision).finally(() => this.#starting = undefined);
    return await this.#starting;
  }

  /** The process that runs, if its credential is still the same; else a new one. */
  async #obtain(decision: string): Promise<RunningServer> {
    if (this.#running === undefined) this.#refuseDuringBackoff();
    const preparation = await this.prepare(decision);
    this.#checkedAt = Date.now();
    if (this.#running !== undefined && this.#fingerprint === preparation.fingerprint) {
      this.#running.hasFailed = false;
      return this.#running;
    }
    await this.#stop();
    this.#fingerprint = preparation.fingerprint;
    return await this.#start(preparation);
  }

  async #start(preparation: Preparation): Promise<RunningServer> {
    if (this.#isEnded) throw changed();
    if (this.#hasStarted) this.restarts++;
    this.#hasStarted = true;
    try {
      const server = await this.#connect(preparation);
      this.#adopt(server);
      return server;
    } catch (error) {
      this.#fail();
      const message = "the server does not start: the operator of the Executor finds its error output in its status";
      throw new ToolCallError("start_failed", message, preparation.redact(error instanceof Error ? error.message : ""));
    }
  }

  /** A server that ends when it is asked for its revision is started again, and spoken to as of old. */
  async #connect({ launch, redact }: Preparation): Promise<RunningServer> {
    const connect = (era: Era) => {
      this.#transport = new ChildTransport(launch, { clean: redact });
      return RunningServer.start(this.#transport, { redact, era, startMs: this.options.startMs });
    };
    try {
      return await connect(this.#era);
    } catch (error) {
      if (this.#era === "legacy" || this.#isEnded) throw error;
      return await connect("legacy");
    }
  }

  #adopt(server: RunningServer): void {
    if (server.isLegacy) this.#era = "legacy";
    this.#running = server;
    this.#startedAt = this.#healthAt = Date.now();
    this.since = new Date().toISOString();
    void server.exited.then((exit) => this.#onExit(server, exit));
  }

  #onExit(server: RunningServer, exit: Exit): void {
    this.lastExit = { ...exit, at: new Date().toISOString() };
    // Ended by us: no failure.
    if (this.#running !== server) return;
    this.#running = undefined;
    if (Date.now() - this.#startedAt >= this.options.stableMs) this.#failures = 0;
    this.lastError = exit.reason ?? serverEnded().message;
    this.#fail();
  }

  #fail(): void {
    const { firstBackoffMs, maxBackoffMs } = this.options;
    this.#failures++;
    this.#retryAt = Date.now() + backoffMs(this.#failures, firstBackoffMs, maxBackoffMs);
    this.since = new Date().toISOString();
  }

  #refuseDuringBackoff(): void {
    const left = this.#retryAt - Date.now();
    if (left <= 0) return;
    const times = this.#failures === 1 ? "once" : `${this.#failures} times in a row`;
    const message = `the server failed ${times}: it is tried again in ${Math.ceil(left / 1000)} s`;
    throw new ToolCallError("backing_off", message);
  }

  async #stop(): Promise<void> {
    const server = this.#running;
    this.#running = undefined;
    this.since = new Date().toISOString();
    await server?.close();
  }
}

/** For a call with a decision about a version that is no longer the newest. */
export function changed(): ToolCallError {
  return new ToolCallError("stopping", "the server was changed or is being stopped: call again");
}
