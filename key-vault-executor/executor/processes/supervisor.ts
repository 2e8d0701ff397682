/** The processes of all tenants: one for each server of a tenant, at the newest version that was seen. */

import { ToolCallError } from "../tool_call_error.ts";
import type { DecidedServer } from "shared/decision/decision.ts";
import type { RunningServer } from "./running_server.ts";
import { changed, DEFAULT_SLOT_OPTIONS, type Preparation, Slot, type SlotOptions } from "./slot.ts";

export interface SupervisorOptions extends SlotOptions {
  maxCallsOfTenant: number;
  /** Above it, the process of the tenant that has been idle for longest is ended for a new one. */
  maxProcessesOfTenant: number;
  tickMs: number;
  /** In milliseconds: what a server without a process is remembered for. */
  forgetMs: number;
}

export const DEFAULT_SUPERVISOR_OPTIONS: SupervisorOptions = {
  ...DEFAULT_SLOT_OPTIONS,
  maxCallsOfTenant: 64,
  maxProcessesOfTenant: 64,
  tickMs: 5000,
  forgetMs: 3_600_000,
};

/** For whom a server is called: the tenant, and the decision in its signed form. */
export interface ToolCaller {
  tenantId: string;
  decision: string;
}

/** How to start a server of a tenant now. @throws {ToolCallError} */
export type PrepareServer = (caller: ToolCaller, server: DecidedServer) => Promise<Preparation>;

export class Supervisor {
  /** By tenant, then by the server's id: no key made of two texts can be taken for another. */
  readonly #tenants = new Map<string, Map<string, Slot>>();
  readonly #options: SupervisorOptions;
  readonly #timer: ReturnType<typeof setInterval>;
  #isClosed = false;

  constructor(readonly prepare: PrepareServer, options: Partial<SupervisorOptions> = {}) {
    this.#options = { ...DEFAULT_SUPERVISOR_OPTIONS, ...options };
    this.#timer = setInterval(() => void this.#tick(), this.#options.tickMs);
  }

  /** Gives the work the server's process. @throws {ToolCallError} */
  async use<T>(caller: ToolCaller, server: DecidedServer, work: (server: RunningServer) => Promise<T>): Promise<T> {
    const slots = this.#slotsOf(caller.tenantId);
    const slot = this.#slotOf(caller.tenantId, slots, server);
    let inFlight = 0;
    for (const { inFlight: calls } of slots.values()) inFlight += calls;
    if (inFlight >= this.#options.maxCallsOfTenant) {
      throw new ToolCallError("busy", `this tenant has ${inFlight} calls in flight: try again when one has ended`);
    }
    if (!isBusyOrRunning(slot)) this.#makeRoom(caller.tenantId, slots);
    return await slot.use(caller.decision, work);
  }

  /** The servers of a tenant that this Executor knows, by their ids. */
  slots(tenantId: string): Slot[] {
    const slots = [...this.#tenants.get(tenantId)?.values() ?? []];
    return slots.sort((a, b) => a.server.server_id < b.server.server_id ? -1 : 1);
  }

  /** Ends a server's process and its calls, as when it was disabled or deleted. Whether there was one. */
  async end(tenantId: string, serverId: string): Promise<boolean> {
    const slots = this.#tenants.get(tenantId);
    const slot = slots?.get(serverId);
    slots?.delete(serverId);
    const isRunning = slot?.process.pid !== undefined;
    await slot?.end();
    return isRunning;
  }

  /** Ends every process, and starts no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#timer);
    const slots = [...this.#tenants.values()].flatMap((each) => [...each.values()]);
    await Promise.allSettled(slots.map((slot) => slot.end()));
    this.#tenants.clear();
  }

  #slotsOf(tenantId: string): Map<string, Slot> {
    if (this.#isClosed) throw changed();
    const slots = this.#tenants.get(tenantId) ?? new Map<string, Slot>();
    this.#tenants.set(tenantId, slots);
    return slots;
  }

  #slotOf(tenantId: string, slots: Map<string, Slot>, server: DecidedServer): Slot {
    const known = slots.get(server.id);
    if (known !== undefined && known.server.version === server.version) return known;
    // A decision that was under way while the server was changed.
    if (known !== undefined && known.server.version > server.version) throw changed();
    void known?.end();
    const slot = new Slot(server, (decision) => this.prepare({ tenantId, decision }, server), this.#options);
    slots.set(server.id, slot);
    return slot;
  }

  #makeRoom(tenantId: string, slots: Map<string, Slot>): void {
    const live = [...slots].filter(([, slot]) => isBusyOrRunning(slot));
    if (live.length < this.#options.maxProcessesOfTenant) return;
    const idle = live.filter(([, slot]) => slot.inFlight === 0).sort(([, a], [, b]) => a.lastUsed - b.lastUsed);
    const [longest] = idle;
    if (longest === undefined) {
      throw new ToolCallError("busy", `this tenant's ${live.length} servers are all in use: try again later`);
    }
    void this.end(tenantId, longest[0]);
  }

  async #tick(): Promise<void> {
    const now = Date.now();
    const ticks: Promise<void>[] = [];
    for (const [tenantId, slots] of this.#tenants) {
      for (const [id, slot] of slots) {
        const isForgotten = slot.process.pid === undefined && slot.inFlight === 0;
        if (isForgotten && now - slot.lastUsed > this.#options.forgetMs) slots.delete(id);
        else ticks.push(slot.tick(now));
      }
      if (slots.size === 0) this.#tenants.delete(tenantId);
    }
    // A process that cannot be ended in order has told so by its exit.
    await Promise.allSettled(ticks);
  }
}

function isBusyOrRunning(slot: Slot): boolean {
  return slot.inFlight > 0 || slot.process.pid !== undefined;
}
