/** The report of the breakdown, and the verdict on our own time. */

import { table } from "../support/numbers.ts";
import type { Report } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import type { Breakdown } from "./breakdown.ts";

const MOST_OWN_US = 300;

const LEGEND = `Each figure is its own median, so sums differ slightly.
routing, parsing  the address, the key with its checksum, the body, the JSON and its check for values that would be lost
digest            SHA-256 of an agent's key, HMAC of a kernel's
AES-GCM           sealing or opening, without base64
log line          its JSON and the writing of it
call, answer      the rest: checking the input, making the data API call, checking its result, making the answer
= our own         the total inside the function, minus the wait for the data API
SQL               the mean of the SQL functions in pg_stat_statements, without the commit
HTTP              the time of the constant baseline
data API          the rest: its HTTP and its driver, the transaction around the SQL function, the commit to disk`;

export function reportBreakdown(breakdown: Record<string, Breakdown>, instances: string): Report {
  return { tables: [breakdownTable(breakdown), instances], verdicts: breakdownVerdicts(breakdown), json: breakdown };
}

function breakdownTable(breakdown: Record<string, Breakdown>): string {
  const columns: [string, keyof Breakdown][] = [
    ["routing, parsing", "routingAndParsing"],
    ["digest", "digest"],
    ["AES-GCM", "cipher"],
    ["log line", "log"],
    ["call, answer", "rest"],
    ["= our own", "own"],
    ["SQL", "sql"],
    ["HTTP", "http"],
    ["data API", "dataApi"],
    ["= whole", "whole"],
  ];
  const rows = Object.entries(breakdown).map(([name, phases]) => [
    name,
    ...columns.map(([, phase]) => phases[phase].toFixed(0)),
  ]);
  return `${table(["µs a request", ...columns.map(([heading]) => heading)], rows)}\n\n${LEGEND}`;
}

function breakdownVerdicts(breakdown: Record<string, Breakdown>): Verdict[] {
  return Object.entries(breakdown).map(([name, { own }]) => ({
    kept: own <= MOST_OWN_US,
    text: `${name} takes ${own.toFixed(0)} µs of our own (at most ${MOST_OWN_US})`,
  }));
}
