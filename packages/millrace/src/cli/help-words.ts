// Help is asked for in two ways: `runs list --help` and `help runs list`. Commander reads the first at any depth; the
// second becomes the first here. What there is no help for is an unknown command, not the help of something else.
import type { Command } from "commander";

/** @returns what Commander shall read in place of `args` */
export function readHelpWords(program: Command, args: readonly string[]): readonly string[] {
  const isHelpCommand = args[0] === "help";
  const words = args.slice(isHelpCommand ? 1 : 0);
  if (!isHelpCommand && !words.some(isHelpFlag)) return args;
  const named = words.filter((word) => !isHelpFlag(word));
  if (isUnknown(program, named)) return named;
  return isHelpCommand ? [...named, "--help"] : args;
}

const isHelpFlag = (word: string): boolean => word === "--help" || word === "-h";

/** Whether the words name a command that is not there; those behind a command's name are its arguments. */
function isUnknown(program: Command, words: readonly string[]): boolean {
  let command = program;
  for (const word of words) {
    if (command.commands.length === 0 || word.startsWith("-")) return false;
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined) return true;
    command = next;
  }
  return false;
}
