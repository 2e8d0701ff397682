/** The report and the verdicts on the SQL functions. */

import { spreadOf, timesThat } from "../support/figures.ts";
import { mapValues, ms, number, percent, roundAll, table, times } from "../support/numbers.ts";
import type { Report } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import { type Rate, type SqlFigures, WITHOUT_RULE } from "./sql.ts";

const MOST_GROWTH = 1.3;
const MOST_INSERT_GROWTH = 1.25;
const LEAST_OF_SELECT = 1 / 3;
const LEAST_OF_UPDATE = 1 / 2;

export function reportSql(figures: SqlFigures): Report {
  const { growth } = figures;
  const sql = mapValues(
    growth,
    (byRows) => mapValues(byRows, ({ p50_ms, p99_ms }) => roundAll({ p50_ms, p99_ms })),
  );
  return {
    tables: [growthTable(figures), rateTable(figures), layerTable(figures)],
    verdicts: sqlVerdicts(figures),
    json: { sql },
  };
}

/** Each SQL function by the number of rows. */
function growthTable({ growth }: SqlFigures): string {
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
  );
}

/** The rates of 16 concurrent clients over direct connections. */
function rateTable({ rates }: SqlFigures): string {
  const rows = Object.entries(rates).map((
    [name, { rps, ofSelect, ofUpdate }],
  ) => [name, rps.toFixed(0), ofSelect.toFixed(2), ofUpdate.toFixed(2)]);
  return table(["SQL, 16 clients", "a second", "of select", "of update"], rows);
}

function layerTable({ layers }: SqlFigures): string {
  const rows = layers.map(({ name, us }) => [name, us.toFixed(1)]);
  return table(["parts of a list of ten servers, by the server's clock", "µs"], rows);
}

function sqlVerdicts({ growth, rates }: SqlFigures): Verdict[] {
  const ownTerms = ["select", "update", "register_mcp_server", WITHOUT_RULE];
  const growths = Object.entries(growth).filter(([name]) => !ownTerms.includes(name))
    .flatMap(([name, bySize]) => {
      const [first, ...larger] = Object.entries(bySize);
      return larger.map(([rows, figure]) => {
        const factor = first ? timesThat(figure, first[1]) : NaN;
        const text = `${name} at ${number(rows)} rows takes ${times(factor)} its time at ${number(first?.[0] ?? "")}`;
        return { kept: factor <= MOST_GROWTH, text: `${text} (at most ${MOST_GROWTH})` };
      });
    });
  return [...growths, ...insertVerdicts(growth), ...rateVerdicts(rates)];
}

/** Compares the insert's growth with that of the same insert without the rule. */
function insertVerdicts(growth: SqlFigures["growth"]): Verdict[] {
  const [first, ...larger] = Object.keys(growth.register_mcp_server ?? {});
  const factor = (name: string, rows: string) => {
    const [figure, base] = [growth[name]?.[rows], growth[name]?.[first ?? ""]];
    return figure && base ? timesThat(figure, base) : NaN;
  };
  return larger.map((rows) => {
    const [own, free] = [factor("register_mcp_server", rows), factor(WITHOUT_RULE, rows)];
    const text = `register_mcp_server at ${number(rows)} rows grows ${times(own)}, without the prefix rule ${
      times(free)
    }`;
    return { kept: own / free <= MOST_INSERT_GROWTH, text: `${text} (at most ${MOST_INSERT_GROWTH} as much)` };
  });
}

function rateVerdicts(rates: Record<string, Rate>): Verdict[] {
  const lists = ["list_mcp_servers", "list_credentials"].flatMap((name) => [name, `${name}, a page of one`]).map(
    (name) => {
      const part = rates[name]?.ofSelect ?? NaN;
      return {
        kept: part >= LEAST_OF_SELECT,
        text: `${name} has ${part.toFixed(2)} of a select's rate (at least a third)`,
      };
    },
  );
  const part = rates.retrieve_credential?.ofUpdate ?? NaN;
  const text = `retrieve_credential has ${part.toFixed(2)} of a durable update's rate (at least half)`;
  return [...lists, { kept: part >= LEAST_OF_UPDATE, text }];
}
