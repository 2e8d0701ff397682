/** Numbers as the tables and verdicts have them. */

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
