/** What every command of `deno task admin` shares. */

import { Command, CommanderError } from "commander";
import * as z from "zod/mini";
import { StackError } from "../stack/child.ts";
import { write } from "./output.ts";
import { readTarget, type Target } from "./target.ts";

const globals = z.object({ json: z.optional(z.boolean()), stack: z.string() });

/** Options that every command has, and the projects that it acts on. */
export interface Context {
  json: boolean;
  target: Target;
}

export async function readContext(command: Command): Promise<Context> {
  const { json = false, stack } = globals.parse(command.optsWithGlobals());
  return { json, target: await readTarget(stack) };
}

/** A command that only holds others. */
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

/**
 * Runs the command that the words mean. Help is printed.
 *
 * @throws {StackError} of one line for a command line that means none.
 */
export async function run(program: Command, words: string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    const { command, path } = findCommand(program, words);
    const help = `see deno task admin ${[...path, "--help"].join(" ")}`;
    if (error.code === "commander.help") {
      const names = command.commands.map((child) => child.name()).join(", ");
      throw new StackError(`say which command: ${names} (${help})`);
    }
    const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
    throw new StackError(`${message} (${help})`);
  }
}

/** Settings that subcommands inherit: made before they are. */
export function newProgram(): Command {
  return new Command("deno task admin")
    .exitOverride()
    .configureOutput({ writeOut: (text) => write(text), outputError: () => {}, writeErr: () => {} })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false);
}

/** The innermost command that the words name. */
function findCommand(program: Command, words: string[]): { command: Command; path: string[] } {
  let command = program;
  const path: string[] = [];
  for (const word of words) {
    const child = command.commands.find((candidate) => candidate.name() === word);
    if (child === undefined) continue;
    command = child;
    path.push(word);
  }
  return { command, path };
}
