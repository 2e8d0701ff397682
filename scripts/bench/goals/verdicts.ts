/** The goals of the calls over direct connections, with 16 clients unless they say otherwise. */

import type { Figures } from "../support/turns.ts";
import { type Figure, rateTo } from "../support/figures.ts";
import { times } from "../support/numbers.ts";
import type { Verdict } from "../support/verdict.ts";

const CLIENTS = 16;

export function goalVerdicts(figures: Figures): Verdict[] {
  const at = (name: string, clients = CLIENTS) => figures[name]?.[clients];
  const lists = ["mcp-servers-list", "credentials-list"];
  return [
    ...ratio("store", at("credentials-store"), "OpenBao's write", at("OpenBao write"), 4),
    ...ratio("retrieve", at("credentials-retrieve"), "OpenBao's read", at("OpenBao read"), 0.6),
    ...ratio("retrieve", at("credentials-retrieve"), "the data API's", at("credentials-retrieve, data API"), 8),
    ...lists.flatMap((name) => ratio(name, at(name), "a select over HTTP", at("select"), 0.5)),
    ...lists.flatMap((name) => longest(name, at(name, 1), 1.5)),
    ...ratio("authorize", at("authorize"), "a select over HTTP", at("select"), 0.625),
    ...["credentials-store", "credentials-retrieve", ...lists, "authorize"].flatMap((name) => tail(name, at(name, 64))),
  ];
}

function ratio(
  name: string,
  own: Figure | undefined,
  other: string,
  figure: Figure | undefined,
  least: number,
): Verdict[] {
  if (own === undefined || figure === undefined) return [];
  const factor = rateTo(own, figure);
  return [{
    kept: factor >= least,
    text: `${name}: ${own.rps.toFixed(0)} a second, ${times(factor)} ${other} (at least ${least}×)`,
  }];
}

function longest(name: string, own: Figure | undefined, ms: number): Verdict[] {
  if (own === undefined) return [];
  return [{ kept: own.p50_ms <= ms, text: `${name}, one client: ${own.p50_ms.toFixed(2)} ms (at most ${ms})` }];
}

function tail(name: string, own: Figure | undefined): Verdict[] {
  if (own === undefined) return [];
  const factor = own.p99_ms / own.p50_ms;
  return [{ kept: factor < 10, text: `${name}, 64 clients: p99 is ${times(factor)} p50 (under 10×)` }];
}
