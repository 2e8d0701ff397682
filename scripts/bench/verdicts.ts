/** What is promised, held against what was measured. */

import { type BundleFigure, EMPTY, SUPABASE_JS } from "./bundles.ts";
import type { Breakdown } from "./breakdown.ts";
import { timesThat } from "./figures.ts";
import { number, times } from "./numbers.ts";
import { type Rate, type SqlFigures, WITHOUT_RULE } from "./sql.ts";

/** A promise: whether it is kept, and by what figure. */
export interface Verdict {
  kept: boolean;
  text: string;
}

const MOST_GROWTH = 1.3;
const MOST_INSERT_GROWTH = 1.25;
const LEAST_OF_SELECT = 1 / 3;
const LEAST_OF_UPDATE = 1 / 2;
const MOST_OF_SUPABASE_JS = 1.2;
const MOST_OWN_US = 300;

export function sqlVerdicts({ growth, rates }: SqlFigures): Verdict[] {
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

/** Growth of the insert, held against the growth of the same insert without the rule. */
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

export function bundleVerdicts(bundles: Record<string, BundleFigure>): Verdict[] {
  const alone = bundles[SUPABASE_JS];
  return Object.entries(bundles).filter(([name]) => name !== EMPTY && name !== SUPABASE_JS).map(([name, own]) => {
    const [bytes, time] = alone ? [own.bytes / alone.bytes, own.import_ms / alone.import_ms] : [NaN, NaN];
    const text = `${name} has ${times(bytes)} the bytes of supabase-js alone and ${times(time)} its import`;
    return { kept: Math.max(bytes, time) <= MOST_OF_SUPABASE_JS, text: `${text} (at most ${MOST_OF_SUPABASE_JS})` };
  });
}

export function breakdownVerdicts(breakdown: Record<string, Breakdown>): Verdict[] {
  return Object.entries(breakdown).map(([name, { own }]) => ({
    kept: own <= MOST_OWN_US,
    text: `${name} takes ${own.toFixed(0)} µs of our own (at most ${MOST_OWN_US})`,
  }));
}

export function verdictLines(verdicts: Verdict[]): string {
  return verdicts.map(({ kept, text }) => `${kept ? "✓" : "✗"} ${text}`).join("\n");
}
