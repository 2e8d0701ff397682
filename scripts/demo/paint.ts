/** Colours for a terminal, plain text for a pipe. */

const isTerminal = Deno.stdout.isTerminal() && !Deno.noColor;

function paint(code: number): (text: string) => string {
  return (text) => isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text;
}

export const [bold, dim, red, green] = [paint(1), paint(2), paint(31), paint(32)] as const;
