// deno-lint-ignore-file no-console -- a program for a terminal
/** One step of the demo: its request, as a client sends it, and whether the answer is as specified. */

import { equal } from "@std/assert";
import { createClient, FunctionsHttpError } from "@supabase/supabase-js";
import { visible, visibleJson } from "../cli/visible.ts";
import type { StackFile } from "../stack/data/stack_file.ts";
import { bold, dim, green, red } from "./paint.ts";
import type { DemoStep } from "./steps/cast.ts";

const NO_SESSION = { persistSession: false, autoRefreshToken: false };

/** In milliseconds: for how long a step is repeated, and how often. */
const [REPEATED_MS, PAUSE_MS] = [40_000, 250];

interface Taken {
  isRight: boolean;
  answer: unknown;
}

/** Shows the step and its request, sends it, and shows the answer. */
export async function takeStep(file: StackFile, step: DemoStep, number: string): Promise<Taken> {
  const { url } = step.project === "hub" ? file.governance_hub : file.key_vault_executor;
  console.log(`\n${bold(`${number}  ${visible(step.sentence)}`)}`);
  console.log(dim(`${step.body ? "POST" : "GET"} ${url}/functions/v1/${step.request}`));
  for (const [name, value] of Object.entries(headersOf(step))) console.log(dim(`${name}: ${value.slice(0, 15)}…`));
  if (step.body) console.log(dim(visibleJson(step.body)));
  step.before?.();
  const deadline = Date.now() + (step.isRepeated ? REPEATED_MS : 0);
  for (let shown = "";;) {
    const { status, answer } = await send(file, step);
    const isRight = status === step.status && holds(answer, step.expected);
    const text = visibleJson(answer);
    if (text !== shown) console.log((isRight ? green : step.isRepeated ? dim : red)(`${status}`), text);
    shown = text;
    if (!isRight && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      continue;
    }
    if (!isRight) console.log(red(`expected ${step.status} with ${visibleJson(step.expected)}`));
    return { isRight, answer };
  }
}

function headersOf({ key }: DemoStep): Record<string, string> {
  return key.startsWith("krn_") ? { Authorization: `Bearer ${key}` } : { "X-API-Key": key };
}

async function send(file: StackFile, step: DemoStep): Promise<{ status: number; answer: unknown }> {
  const { url, publishable_key } = step.project === "hub" ? file.governance_hub : file.key_vault_executor;
  const { functions } = createClient(url, publishable_key, { auth: NO_SESSION, global: { headers: headersOf(step) } });
  const { body } = step;
  const { data, error, response } = await functions.invoke(step.request, body ? { body } : { method: "GET" });
  if (response === undefined) throw error;
  const answer = error instanceof FunctionsHttpError ? await error.context.json() : data;
  return { status: response.status, answer: answer instanceof Response ? await readEvent(answer) : answer };
}

/** The last message of a stream of events. */
async function readEvent(response: Response): Promise<unknown> {
  const lines = (await response.text()).split("\n").filter((line) => line.startsWith("data: "));
  return JSON.parse(lines.at(-1)?.slice("data: ".length) ?? "null");
}

/** Whether the answer has the expected members at any depth. Arrays must match item by item. */
function holds(answer: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null) return equal(answer, expected);
  if (typeof answer !== "object" || answer === null) return false;
  if (Array.isArray(expected) && (!Array.isArray(answer) || answer.length !== expected.length)) return false;
  const members = new Map(Object.entries(answer));
  return Object.entries(expected).every(([name, value]) => holds(members.get(name), value));
}
