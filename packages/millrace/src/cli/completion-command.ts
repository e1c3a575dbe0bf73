// `millrace completion bash|zsh|fish`: a script for the shell, made from the table of commands, so that it knows what
// this version takes and asks nobody when Tab is pressed.
import { Argument, type Command } from "commander";
import { EXIT } from "./exit-codes.ts";
import type { CommandLine } from "./speaking-command.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly description: string;
}

/** What may stand behind one command: `millrace`, `millrace runs` … */
interface Node {
  /** Without `millrace`; empty: the command itself. */
  readonly path: readonly string[];
  readonly commands: readonly Word[];
  readonly flags: readonly (Word & { readonly takesValue: boolean })[];
}

export function addCompletion(program: Command, { io, done }: CommandLine): void {
  program
    .command("completion")
    .description("print what makes a shell complete commands and flags")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", HELP)
    // Commander has checked the choice.
    .action((shell: Shell) => {
      io.out(SCRIPTS[shell](readNodes(program)));
      done(EXIT.done);
    });
}

const HELP = `
Put it where the shell finds it:
  bash  source <(millrace completion bash)     # in ~/.bashrc
  zsh   source <(millrace completion zsh)      # in ~/.zshrc
  fish  millrace completion fish > ~/.config/fish/completions/millrace.fish`;

function readNodes(program: Command): readonly Node[] {
  const nodes: Node[] = [];
  const read = (command: Command, path: readonly string[]): void => {
    const shown = command.createHelp();
    const commands = shown
      .visibleCommands(command)
      .map((it) => ({ word: it.name(), description: it.description() }));
    const flags = shown.visibleOptions(command).flatMap((option) =>
      option.long === undefined
        ? []
        : [
            {
              word: option.long,
              description: option.description,
              takesValue: option.required || option.optional,
            },
          ],
    );
    nodes.push({ path, commands, flags });
    for (const one of command.commands) read(one, [...path, one.name()]);
  };
  read(program, []);
  return nodes;
}

const wordsOf = ({ commands, flags }: Node): string =>
  [...commands, ...flags].map(({ word }) => word).join(" ");

/** The longest path of commands that stands on the line decides what may follow. */
const WALK = (nodes: readonly Node[]): string =>
  nodes.map((node) => `      "${node.path.join(" ")}") words="${wordsOf(node)}" ;;`).join("\n");

const LISTS = (nodes: readonly Node[]): string =>
  nodes
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `"${path.join(" ")}"`)
    .join("|");

const VALUES = (nodes: readonly Node[]): string =>
  [...new Set(nodes.flatMap(({ flags }) => flags.filter((it) => it.takesValue)))]
    .map(({ word }) => word)
    .filter((word, at, all) => all.indexOf(word) === at)
    .join("|");

const toBash = (nodes: readonly Node[]): string => `# Completion of millrace for bash.
_millrace() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" next words=""
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${path:+$path }\${COMP_WORDS[i]}"
    case "$next" in
      ${LISTS(nodes)}) path="$next" ;;
    esac
  done
  case "\${COMP_WORDS[COMP_CWORD-1]}" in
    ${VALUES(nodes)}) return ;;
  esac
  case "$path" in
${WALK(nodes)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _millrace millrace
`;

const toZsh = (nodes: readonly Node[]): string => `#compdef millrace
# Completion of millrace for zsh.
_millrace() {
  local path_now="" next i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    next="\${path_now:+$path_now }\${words[i]}"
    case "$next" in
      ${LISTS(nodes)}) path_now="$next" ;;
    esac
  done
  case "\${words[CURRENT-1]}" in
    ${VALUES(nodes)}) _files; return ;;
  esac
  case "$path_now" in
${nodes.map((node) => `      "${node.path.join(" ")}") found=(${zshWords(node)}) ;;`).join("\n")}
  esac
  _describe millrace found
  _files
}
compdef _millrace millrace
`;

const zshWords = ({ commands, flags }: Node): string =>
  [...commands, ...flags]
    .map(({ word, description }) => inQuotes(`${word}:${description.replaceAll(":", "\\:")}`))
    .join(" ");

const inQuotes = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const toFish = (nodes: readonly Node[]): string => {
  const lines = nodes.flatMap((node) => {
    const when = inFishQuotes(`__millrace_at ${node.path.join(" ")}`.trim());
    const start = `complete -c millrace -n ${when}`;
    return [
      ...node.commands.map(
        ({ word, description }) => `${start} -f -a ${word} -d ${inFishQuotes(description)}`,
      ),
      ...node.flags.map(
        ({ word, description, takesValue }) =>
          `${start} -l ${word.slice(2)}${takesValue ? " -r" : ""} -d ${inFishQuotes(description)}`,
      ),
    ];
  });
  const paths = nodes.flatMap(({ path }) => (path.length === 0 ? [] : [`"${path.join(" ")}"`]));
  return `# Completion of millrace for fish.
function __millrace_at
    set -l path
    for word in (commandline -opc)[2..]
        set -l next (string join " " $path $word)
        if contains -- "$next" ${paths.join(" ")}
            set path $path $word
        end
    end
    test "$path" = "$argv"
end
${lines.join("\n")}
`;
};

const inFishQuotes = (text: string): string =>
  `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

const SCRIPTS: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = {
  bash: toBash,
  zsh: toZsh,
  fish: toFish,
};
