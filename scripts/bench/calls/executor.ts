/** `--only executor`: a tool call through the Executor beside the same call direct on stdio, in turns. */

import { toJson } from "../endpoints/endpoints.ts";
import { ms, roundAll, table, times } from "../support/numbers.ts";
import type { Report, Scale } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import { openCallStack } from "./call_stack.ts";
import { type Cold, type Idle, measureCold } from "./cold.ts";
import { decided, startDirectly, throughExecutor } from "./contenders.ts";
import { callTable, measureContenders } from "./turns.ts";
import { hasAtLeastRate, isAtMostLonger } from "./verdicts.ts";

const [DIRECT, EXECUTOR] = ["direct on stdio", "through the Executor"];
const [MAX_EXTRA_MS, MIN_RATE, MAX_COLD] = [2, 0.25, 1.3];

export async function measureExecutor(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  scale.onProgress("starting PostgreSQL 17, both projects and the Executor");
  const stack = await openCallStack(resources);
  const direct = resources.use(await startDirectly(stack));
  const [call, server] = [await throughExecutor(stack), decided("bench")];
  const figures = await measureContenders([
    { name: DIRECT, call: direct.call },
    { name: EXECUTOR, call: () => call(server) },
  ], scale);
  scale.onProgress("starting servers");
  const { cold, idle } = await measureCold(stack, scale);
  return {
    tables: [callTable("a tool call", figures), startTable(cold, idle), ...stack.notes],
    verdicts: [
      ...isAtMostLonger(figures, EXECUTOR, DIRECT, MAX_EXTRA_MS),
      ...hasAtLeastRate(figures, EXECUTOR, DIRECT, 16, MIN_RATE),
      coldVerdict(cold),
    ],
    json: { executor: { calls: toJson(figures), cold_ms: roundAll({ ...cold }), idle_mb: roundAll({ ...idle }) } },
  };
}

function startTable(cold: Cold, idle: Idle): string {
  return table(["a server", "start to first answer, ms", "resident MB, idle"], [
    [DIRECT, ms(cold.direct), idle.direct.toFixed(1)],
    [EXECUTOR, ms(cold.executor), idle.executor.toFixed(1)],
  ]);
}

function coldVerdict({ ratio }: Cold): Verdict {
  return { kept: ratio <= MAX_COLD, text: `cold start ${EXECUTOR}: ${times(ratio)} ${DIRECT} (at most ${MAX_COLD}×)` };
}
