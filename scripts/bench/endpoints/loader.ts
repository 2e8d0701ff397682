/** Loads one target at a time, and tracks the numbers of the things that targets create and remove. */

import { CliError } from "../../cli/error.ts";
import type { Round } from "../support/figures.ts";
import type { Load } from "../support/load.ts";
import type { BenchTarget } from "./targets.ts";

export interface Loader {
  /** @throws {CliError} on an unexpected answer, because its time means nothing. */
  load(target: BenchTarget, clients: number, ms: number): Promise<Round>;
}

export function newLoader(load: Load): Loader {
  /** For each kind, the number of the first existing thing and of the next thing to create. */
  const things = new Map<string, { first: number; next: number }>();
  return {
    async load({ name, url, request, expected, makes, removes }, clients, ms) {
      const kind = makes ?? removes ?? name;
      const own = things.get(kind) ?? { first: 1, next: 1 };
      const [from, until] = removes ? [own.first, own.next] : [own.next, Number.MAX_SAFE_INTEGER];
      const { statuses, next, timesMs, elapsedMs } = await load.run({ url, request, clients, ms, from, until });
      things.set(kind, removes ? { ...own, first: next } : { ...own, next });
      const others = Object.keys(statuses).filter((status) => !expected.includes(Number(status)));
      if (others.length > 0 || timesMs.length === 0) {
        throw new CliError(`${name} answered ${JSON.stringify(statuses)} under the load of ${clients} clients`);
      }
      return { timesMs, elapsedMs };
    },
  };
}
