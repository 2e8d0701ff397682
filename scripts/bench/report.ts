/** What the benchmark prints: tables with what each figure stands beside, or one object for programs. */

import { table as tableLines } from "../admin/output.ts";
import { type BundleFigure, SUPABASE_JS } from "./bundles.ts";
import type { Breakdown } from "./breakdown.ts";
import type { EndpointFigures } from "./endpoints.ts";
import { spreadOf, timesThat } from "./figures.ts";
import { ms, number, percent, times } from "./numbers.ts";
import type { SqlFigures } from "./sql.ts";

export interface Results {
  endpoints?: { baselines: EndpointFigures; endpoints: EndpointFigures };
  sql?: SqlFigures;
  bundles?: Record<string, BundleFigure>;
}

/** The object of `--json`. What was not measured is empty. */
export function toJson({ endpoints, sql, bundles }: Results): unknown {
  const overHttp = (figures: EndpointFigures = {}) =>
    mapValues(
      figures,
      (byClients) =>
        mapValues(byClients, ({ rps, p50_ms, p95_ms, p99_ms }) => roundAll({ rps, p50_ms, p95_ms, p99_ms })),
    );
  return {
    baselines: overHttp(endpoints?.baselines),
    endpoints: overHttp(endpoints?.endpoints),
    sql: mapValues(
      sql?.growth ?? {},
      (byRows) => mapValues(byRows, ({ p50_ms, p99_ms }) => roundAll({ p50_ms, p99_ms })),
    ),
    bundles: mapValues(bundles ?? {}, ({ bytes, import_ms }) => ({ bytes, ...roundAll({ import_ms }) })),
  };
}

/** Baselines and endpoints at each number of clients. */
export function endpointTable({ baselines, endpoints }: NonNullable<Results["endpoints"]>): string {
  const rows = Object.entries({ ...baselines, ...endpoints }).flatMap(([name, byClients]) =>
    Object.entries(byClients).map(([clients, figure]) => [
      name,
      clients,
      figure.rps.toFixed(0),
      ms(figure.p50_ms),
      ms(figure.p95_ms),
      ms(figure.p99_ms),
      percent(spreadOf(figure)),
      times(timesThat(figure, baselines.update?.[clients] ?? figure)),
    ])
  );
  const headings = ["over HTTP", "clients", "a second", "p50 ms", "p95 ms", "p99 ms", "spread", "× update's p50"];
  return table(headings, rows, "nothing");
}

/** Each SQL function by the number of rows. */
export function growthTable({ growth }: SqlFigures): string {
  const sizes = Object.keys(Object.values(growth)[0] ?? {});
  const rows = Object.entries(growth).map(([name, bySize]) => {
    const [first, ...larger] = Object.values(bySize);
    return [
      name,
      ...Object.values(bySize).flatMap((figure) => [ms(figure.p50_ms), ms(figure.p99_ms), percent(spreadOf(figure))]),
      ...larger.map((figure) => first ? times(timesThat(figure, first)) : ""),
    ];
  });
  const [, ...larger] = sizes;
  return table(
    [
      "SQL, one client",
      ...sizes.flatMap((size) => [`p50 ms of ${number(size)}`, "p99 ms", "spread"]),
      ...larger.map((size) => `growth to ${number(size)}`),
    ],
    rows,
    "nothing",
  );
}

/** The rates of 16 clients at once over direct connections. */
export function rateTable({ rates }: SqlFigures): string {
  const rows = Object.entries(rates).map((
    [name, { rps, ofSelect, ofUpdate }],
  ) => [name, rps.toFixed(0), ofSelect.toFixed(2), ofUpdate.toFixed(2)]);
  return table(["SQL, 16 clients", "a second", "of select", "of update"], rows, "nothing");
}

export function layerTable({ layers }: SqlFigures): string {
  const rows = layers.map(({ name, us }) => [name, us.toFixed(1)]);
  return table(["what a list of ten servers is made of, by the server's clock", "µs"], rows, "nothing");
}

export function bundleTable(bundles: Record<string, BundleFigure>): string {
  const alone = bundles[SUPABASE_JS];
  const rows = Object.entries(bundles).map(([name, { bytes, import_ms }]) => [
    name,
    number(bytes),
    ms(import_ms),
    alone ? times(bytes / alone.bytes) : "",
    alone ? times(import_ms / alone.import_ms) : "",
  ]);
  return table(["bundle, on Deno 2.1.4", "bytes", "import ms", "× its bytes", "× its import"], rows, "nothing");
}

export function breakdownTable(breakdown: Record<string, Breakdown>): string {
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
  return `${table(["µs a request", ...columns.map(([heading]) => heading)], rows, "nothing")}\n\n${LEGEND}`;
}

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

function mapValues<In, Out>(record: Record<string, In>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** Four significant digits, as nothing here is known better. */
function roundAll(figures: Record<string, number>): Record<string, number> {
  return mapValues(figures, (figure) => Number(figure.toPrecision(4)));
}

function table(headings: string[], rows: string[][], ifEmpty: string): string {
  return tableLines(headings, rows, ifEmpty).join("\n");
}
