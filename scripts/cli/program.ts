// deno-lint-ignore-file no-console -- a program for a terminal
/** The command lines of all tasks, made with commander. An invalid command line gets a one-sentence error. */

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { CliError, printError } from "./error.ts";

const HELP_WIDTH = 120;

/** An invalid command line. */
export class UsageError extends CliError {
  override readonly exitCode = 2;
}

/** The command line of `deno task <name>`. Add commands to it with `.command()`, so that they inherit its settings. */
export function newProgram(name: string, description: string): Command {
  return new Command(`deno task ${name}`)
    .description(description)
    .exitOverride()
    .configureOutput({
      // Unlike process.stdout, console.log does not fail when the reader closes the pipe early.
      writeOut: (text) => console.log(text.replace(/\n$/, "")),
      outputError: () => {},
      writeErr: () => {},
      getOutHelpWidth: () => HELP_WIDTH,
    })
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false);
}

/** Runs the task's command line. On failure, exits the process with the error's code: 2 for an invalid command line. */
export async function runProgram(program: Command): Promise<void> {
  try {
    await parse(program, Deno.args);
  } catch (error) {
    printError(error);
    Deno.exit(error instanceof CliError ? error.exitCode : 1);
  }
}

/** Parses a port. */
export function readPort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new InvalidArgumentError("It must be a port, 1 to 65535.");
}

/** Runs the command that the words name. @throws {UsageError} when the command line is invalid. */
async function parse(program: Command, words: string[]): Promise<void> {
  try {
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return;
    const { command, path } = findCommand(program, words);
    const help = `see ${[program.name(), ...path, "--help"].join(" ")}`;
    if (error.code === "commander.help") {
      const names = command.commands.map((child) => child.name()).join(", ");
      throw new UsageError(`name a command: ${names} (${help})`);
    }
    const message = error.message.replace(/^error: /, "").replaceAll(/\s*\n\s*/g, " ");
    throw new UsageError(`${message} (${help})`);
  }
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
