/** Whether a requirement is met, with the measured figure. */
export interface Verdict {
  kept: boolean;
  text: string;
}

export function verdictLines(verdicts: Verdict[]): string {
  return verdicts.map(({ kept, text }) => `${kept ? "✓" : "✗"} ${text}`).join("\n");
}
