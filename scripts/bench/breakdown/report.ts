/** What is told of the breakdown, and what is promised of our own time. */

import { table } from "../support/numbers.ts";
import type { Report } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import type { Breakdown } from "./breakdown.ts";

const MOST_OWN_US = 300;

const LEGEND = `Each is the median of its own, so that sums differ by little.
routing, parsing  the address, the key with its checksum, the body, the JSON with its walk for what would be lost
validation        the rest up to the digest: the route, the schema, the rules
digest            SHA-256 of an agent's key, HMAC of a kernel's
AES-GCM           sealing or opening, without base64
log line          its JSON and the writing of it
call, answer      the rest: making the call to the data API, reading and checking what came, making the answer
= our own         the whole inside the function, less the time that the data API's call was waited for
SQL               the SQL functions as pg_stat_statements tells, the mean, without the commit
HTTP              what the constant baseline takes
data API          what is left: its HTTP and its driver, the transaction around the SQL function, the commit to disk`;

export function reportBreakdown(breakdown: Record<string, Breakdown>): Report {
  return { tables: [breakdownTable(breakdown)], verdicts: breakdownVerdicts(breakdown), json: breakdown };
}

function breakdownTable(breakdown: Record<string, Breakdown>): string {
  const columns: [string, keyof Breakdown][] = [
    ["routing, parsing", "routingAndParsing"],
    ["validation", "validation"],
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
