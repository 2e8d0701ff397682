/** What all commands of `deno task admin` share. */

import type { Command } from "commander";
import * as z from "zod/mini";
import { readTarget, type Target } from "./client/connection/target.ts";

const globals = z.object({ json: z.optional(z.boolean()), stack: z.string() });

/** The options that every command has, and the projects that it acts on. */
export interface Context {
  json: boolean;
  target: Target;
}

export async function readContext(command: Command): Promise<Context> {
  const { json = false, stack } = globals.parse(command.optsWithGlobals());
  return { json, target: await readTarget(stack) };
}

/** The option `--json` of a command that acts on no project. */
export function readJsonOption(command: Command): boolean {
  return globals.parse(command.optsWithGlobals()).json ?? false;
}

/** Adds a command that only groups other commands. */
export function addGroup(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpCommand(false).addHelpText(
    "after",
    example(`${name} list`),
  );
}

/** The end of a command's help. */
export function example(line: string): string {
  return `\nExample:\n  deno task admin ${line}`;
}
