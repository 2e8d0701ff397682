/** `--only executor`: a tool call through the Executor beside the same call direct on stdio, in turns. */

import { toJson } from "../endpoints/endpoints.ts";
import { mapValues, ms, roundAll, table, times } from "../support/numbers.ts";
import type { Report, Scale } from "../support/part.ts";
import type { Verdict } from "../support/verdict.ts";
import { type CallStack, openCallStack } from "./call_stack.ts";
import { type Cold, type Idle, measureCold } from "./cold.ts";
import { askHealth, type Contender, decided, startDirectly, throughExecutor } from "./contenders.ts";
import { installEverything, type MeasuredServer, scriptOf } from "./programs.ts";
import { callTable, measureContenders } from "./turns.ts";
import { hasAtLeastRate, isAtMostLonger } from "./verdicts.ts";

const HEALTH = "the Executor's /health";
const [MAX_EXTRA_MS, MIN_RATE, MAX_COLD] = [2, 0.25, 1.3];

/** By the program's name. */
type Starts = Record<string, { cold: Cold; idle: Idle }>;

export async function measureExecutor(scale: Scale, resources: AsyncDisposableStack): Promise<Report> {
  scale.onProgress("starting PostgreSQL 17, both projects and the Executor");
  const stack = await openCallStack(resources);
  const installed = await installEverything(stack);
  const programs = [scriptOf(stack), ...typeof installed === "string" ? [] : [installed]];
  const pairs = [];
  for (const program of programs) pairs.push(...await pairOf(stack, program, resources));
  const figures = await measureContenders([{ name: HEALTH, call: () => askHealth(stack) }, ...pairs], scale);
  const starts: Starts = {};
  for (const program of programs) {
    scale.onProgress(`starting servers: ${program.name}`);
    starts[program.name] = await measureCold(stack, program, scale);
  }
  const notes = typeof installed === "string" ? [installed, ...stack.notes] : stack.notes;
  return {
    tables: [callTable("a tool call", figures), startTable(starts), ...notes],
    verdicts: programs.flatMap(({ name }) => [
      ...isAtMostLonger(figures, throughOf(name), directOf(name), MAX_EXTRA_MS),
      ...hasAtLeastRate(figures, throughOf(name), directOf(name), 16, MIN_RATE),
      ...coldVerdict(name, starts[name]?.cold),
    ]),
    json: { executor: { calls: toJson(figures), starts: mapValues(starts, toStartJson) } },
  };
}

async function pairOf(
  stack: CallStack,
  program: MeasuredServer,
  resources: AsyncDisposableStack,
): Promise<Contender[]> {
  const direct = resources.use(await startDirectly(program));
  const [call, server] = [throughExecutor(stack), decided(program, "bench")];
  const callOf2025 = throughExecutor(stack, "2025-11-25");
  return [
    { name: directOf(program.name), call: direct.call },
    { name: throughOf(program.name), call: () => call(server) },
    { name: `${throughOf(program.name)}, 2025-11-25`, call: () => callOf2025(server) },
  ];
}

function startTable(starts: Starts): string {
  const rows = Object.entries(starts).flatMap(([name, { cold, idle }]) => [
    [directOf(name), ms(cold.direct), idle.direct.toFixed(1)],
    [throughOf(name), ms(cold.executor), idle.executor.toFixed(1)],
  ]);
  return table(["a server", "start to first answer, ms", "resident MB, idle"], rows);
}

function coldVerdict(name: string, cold: Cold | undefined): Verdict[] {
  if (cold === undefined) return [];
  const { ratio } = cold;
  const text = `cold start, ${throughOf(name)}: ${times(ratio)} ${directOf(name)} (at most ${MAX_COLD}×)`;
  return [{ kept: ratio <= MAX_COLD, text }];
}

function toStartJson({ cold, idle }: Starts[string]): unknown {
  return { cold_ms: roundAll({ ...cold }), idle_mb: roundAll({ ...idle }) };
}

function directOf(name: string): string {
  return `${name}, direct on stdio`;
}

function throughOf(name: string): string {
  return `${name}, through the Executor`;
}
