// deno-lint-ignore-file no-console -- a program for a terminal
/** Progress of a long command, on standard error: one redrawn line on a terminal, else a line every few seconds. */

export interface Progress {
  add(amount: number): void;
  /** Clears the line for the output that follows. */
  end(): void;
}

const BAR_WIDTH = 20;
const REDRAW_MS = 100;
const LINE_MS = 5000;

/** @param verb what the command does, such as "re-sealing" */
export function startProgress(verb: string, total: number): Progress {
  const isTerminal = Deno.stderr.isTerminal();
  const begun = performance.now();
  let done = 0;
  let shown = begun;
  const show = (now: number) => {
    const line = progressLine(verb, done, total, (now - begun) / 1000);
    if (!isTerminal) return console.error(line);
    Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${line.slice(0, columns())}`));
  };
  return {
    add(amount) {
      done += amount;
      const now = performance.now();
      if (now - shown < (isTerminal ? REDRAW_MS : LINE_MS)) return;
      shown = now;
      show(now);
    },
    end() {
      if (isTerminal) Deno.stderr.writeSync(new TextEncoder().encode("\r\x1b[K"));
    },
  };
}

/** `re-sealing ██████████░░░░░░░░░░ 500/1,000 50% 250/s 0:02 left`. */
export function progressLine(verb: string, done: number, total: number, seconds: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.floor(part * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const rate = seconds > 0 ? done / seconds : 0;
  const left = rate > 0 ? `${duration(Math.max(0, total - done) / rate)} left` : "";
  const amounts = `${done.toLocaleString("en")}/${total.toLocaleString("en")} ${Math.floor(part * 100)}%`;
  return `${verb} ${bar} ${amounts} ${Math.round(rate).toLocaleString("en")}/s ${left}`.trimEnd();
}

/** `0:07`, `12:34`, `2:03:04`. */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** The longest line that does not wrap. Some terminals report no width, or 0. */
function columns(): number {
  try {
    return (Deno.consoleSize().columns || 80) - 1;
  } catch {
    return 79;
  }
}
