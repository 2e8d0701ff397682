/** Time limits of requests. One timer looks after all: under load, timers for each take up to a tenth of an instance. */

/** How often the timer looks, in milliseconds: a limit may be this late. */
const STEP_MS = 50;

export interface TimeLimit {
  /** Replaces what happens when the time is over. If it is over, the action runs at once. */
  whenOver(action: () => void): void;
  /** Ends the limit before its time is over. */
  end(): void;
}

interface Running {
  readonly overAt: number;
  over(): void;
}

const running = new Set<Running>();
let timer: ReturnType<typeof setInterval> | undefined;

/** Starts a limit, which {@linkcode TimeLimit.end} must end. */
export function limitTime(ms: number): TimeLimit {
  let act = () => {};
  let isOver = false;
  const limit: Running = {
    overAt: performance.now() + ms,
    over() {
      isOver = true;
      act();
    },
  };
  running.add(limit);
  timer ??= setInterval(look, STEP_MS);
  return {
    whenOver(action) {
      act = action;
      if (isOver) act();
    },
    end: () => remove(limit),
  };
}

function look(): void {
  const now = performance.now();
  for (const limit of running) {
    if (limit.overAt > now) continue;
    remove(limit);
    limit.over();
  }
}

function remove(limit: Running): void {
  if (!running.delete(limit) || running.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
