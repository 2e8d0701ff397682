/** Formats numbers for tables and verdicts. */

import { table as tableLines } from "../../cli/output.ts";

export function ms(value: number): string {
  return value.toFixed(value < 10 ? 3 : 1);
}

export function percent(part: number): string {
  return `${Math.round(part * 100)}%`;
}

export function times(factor: number): string {
  return `${factor.toFixed(2)}×`;
}

export function number(value: number | string): string {
  return Number(value).toLocaleString("en");
}

export function mapValues<In, Out>(record: Record<string, In>, map: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

/** Four significant digits: no measurement here is more precise. */
export function roundAll(figures: Record<string, number>): Record<string, number> {
  return mapValues(figures, (figure) => Number(figure.toPrecision(4)));
}

export function table(headings: string[], rows: string[][]): string {
  return tableLines(headings, rows, "nothing").join("\n");
}
