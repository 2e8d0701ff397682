/** The first call of a server that does not run yet, and the memory of one that waits. */

import { findProcesses, residentMb } from "../../soak/executor/executor_process.ts";
import { median, timeOf } from "../support/figures.ts";
import type { Scale } from "../support/part.ts";
import type { CallStack } from "./call_stack.ts";
import { decided, startDirectly, throughExecutor } from "./contenders.ts";
import type { MeasuredServer } from "./programs.ts";

export interface Cold {
  /** From the start of the process to the first answer, in milliseconds. */
  direct: number;
  executor: number;
  /** The median of each round's ratio. */
  ratio: number;
}

export interface Idle {
  /** Resident megabytes of a server's processes. */
  direct: number;
  executor: number;
}

const [STARTS, SHORT_STARTS] = [15, 7];

/** In turns. The Executor's servers keep running: they are the idle ones of the memory. */
export async function measureCold(
  stack: CallStack,
  program: MeasuredServer,
  { short }: Scale,
): Promise<{ cold: Cold; idle: Idle }> {
  const call = throughExecutor(stack);
  const mark = crypto.randomUUID();
  // "stdio" is what server-everything does by default. Other arguments than its first it does not read.
  const marked = { ...program, args: [...program.args, "stdio", mark] };
  const [direct, executor, memory]: number[][] = [[], [], []];
  for (let start = 0; start < (short ? SHORT_STARTS : STARTS); start++) {
    direct?.push(await timeDirectly(program, memory ?? []));
    executor?.push(await timeOf(() => call(decided(marked, `cold${start}`))));
  }
  return { cold: compare(direct ?? [], executor ?? []), idle: await compareMemory(memory ?? [], mark) };
}

async function timeDirectly(program: MeasuredServer, memory: number[]): Promise<number> {
  const begun = performance.now();
  await using server = await startDirectly(program);
  await server.call();
  const taken = performance.now() - begun;
  memory.push(await residentMb(server.pid ?? 0) ?? NaN);
  return taken;
}

function compare(direct: number[], executor: number[]): Cold {
  const ratio = median(executor.map((ms, start) => ms / (direct[start] ?? NaN)));
  return { direct: median(direct), executor: median(executor), ratio };
}

/** Of the Executor's, with the sandbox's own processes. */
async function compareMemory(direct: number[], mark: string): Promise<Idle> {
  const processes = await findProcesses(mark);
  const servers = processes.filter(({ words }) => words[0]?.endsWith("node")).length;
  let total = 0;
  for (const { pid } of processes) total += await residentMb(pid) ?? 0;
  return { direct: median(direct), executor: total / servers };
}
