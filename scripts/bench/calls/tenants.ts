/** Tenants that call at the same time: what each gets, beside one tenant that has everything to itself. */

import { callFor, median, rateOf } from "../support/figures.ts";
import { percent, roundAll, table } from "../support/numbers.ts";
import type { Scale } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import { addTenants, type CallStack, register } from "./call_stack.ts";
import { callThroughGateway } from "./contenders.ts";
import { ROUNDS } from "../support/turns.ts";
import { roundMs } from "./turns.ts";

const TENANTS = 8;
const CLIENTS_OF_TENANT = 2;
const SERVER = "bench";

export interface Shares {
  /** Calls a second of one tenant with all clients. */
  alone: number;
  /** Of all tenants at the same time. */
  together: number;
  /** Of the tenant that gets least, to an equal share of what one gets alone. */
  leastShare: number;
  /** The slowest tenant's rate, to the fastest's. */
  slowestToFastest: number;
}

/** Both in turns, with as many clients. Each figure is the median of the rounds. */
export async function measureTenants(stack: CallStack, scale: Scale): Promise<Shares> {
  const tenants = await addTenants(stack, TENANTS);
  for (const tenant of tenants) await register(stack, tenant, SERVER);
  const calls = tenants.map((tenant) => () => callThroughGateway(stack, tenant, `${SERVER}.echo`));
  const load = async (callers: typeof calls, clients: number) =>
    (await Promise.all(callers.map((call) => callFor(roundMs(scale), clients, call)))).map(rateOf);
  const rounds: Shares[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    scale.onProgress(
      round === 0 ? `starting the servers of ${TENANTS} tenants` : `tenants, round ${round} of ${ROUNDS}`,
    );
    const [alone = NaN] = await load(calls.slice(0, 1), TENANTS * CLIENTS_OF_TENANT);
    const rates = await load(calls, CLIENTS_OF_TENANT);
    if (round > 0) rounds.push(sharesOf(alone, rates));
  }
  const middle = (name: keyof Shares) => median(rounds.map((shares) => shares[name]));
  return {
    alone: middle("alone"),
    together: middle("together"),
    leastShare: middle("leastShare"),
    slowestToFastest: middle("slowestToFastest"),
  };
}

function sharesOf(alone: number, rates: number[]): Shares {
  const [slowest, fastest] = [Math.min(...rates), Math.max(...rates)];
  return {
    alone,
    together: rates.reduce((sum, rate) => sum + rate, 0),
    leastShare: slowest / (alone / rates.length),
    slowestToFastest: slowest / fastest,
  };
}

export function tenantTable({ alone, together, leastShare, slowestToFastest }: Shares): string {
  const headings = ["tenants, 16 clients in all", "a second", "least share", "slowest to fastest"];
  return table(headings, [
    ["1", alone.toFixed(0), "", ""],
    [`${TENANTS}`, together.toFixed(0), percent(leastShare), percent(slowestToFastest)],
  ]);
}

export function tenantVerdicts({ leastShare, slowestToFastest }: Shares): Verdict[] {
  const text = `${TENANTS} tenants: the slowest gets ${percent(leastShare)} of an eighth of what one gets alone, and ` +
    `${percent(slowestToFastest)} of the fastest (at least 80% each)`;
  return [{ kept: Math.min(leastShare, slowestToFastest) >= 0.8, text }];
}

export function tenantJson(shares: Shares): unknown {
  return roundAll({ ...shares });
}
