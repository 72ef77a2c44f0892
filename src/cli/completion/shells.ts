import { type CompletedCommand, type CompletedOption, escaped, type Offer } from './words.ts';

/** A script for `problems completion fish | source`. Written for fish 3.1 and later. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = [start];
  const names = commands.map(({ name }) => name).join(' ');
  lines.push(`complete -c problems -n '__problems_after help' -a ${fishQuoted(names)}`);
  for (const { name, summary, options, argument } of commands) {
    const after = `complete -c problems -n '__problems_after ${name}'`;
    lines.push(`complete -c problems -n __problems_first -a ${name} -d ${fishQuoted(summary)}`);
    if (argument.type !== 'nothing') lines.push(`${after} ${fishOffered(argument)}`);
    for (const option of options) {
      const value = option.value === undefined ? '' : ` -r ${fishOffered(option.offer)}`;
      lines.push(`${after} -l ${option.name.slice(2)}${value} -d ${fishQuoted(option.about)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const start = String.raw`# Completion of problems for fish. Made by: problems completion fish
function __problems_first
    test (count (commandline -opc)) -eq 1
end
function __problems_after
    set -l words (commandline -opc)
    test "$words[2]" = "$argv[1]"
end
function __problems_list
    set -l before (commandline -ct | string replace -r -- '^--[^=]*=' '' | string match -r -- '^.*,')
    set -q before[1]; or set before ''
    printf '%s\n' $before$argv
end
complete -c problems -f
complete -c problems -n __problems_first -a help -d 'Show the help of a command.'
complete -c problems -n __problems_first -l help -d 'Show this help.'
complete -c problems -n __problems_first -l version -d 'Show the version.'`;

function fishOffered(offer: Offer): string {
  switch (offer.type) {
    case 'words':
      return `-f -a ${fishQuoted(escaped(offer.words))}`;
    case 'list':
      return `-f -a ${fishQuoted(`(__problems_list ${escaped(offer.words)})`)}`;
    case 'asked': {
      const names = `(problems completion fish --list ${offer.names} 2>/dev/null)`;
      return `-f -a ${fishQuoted(offer.isList ? `(__problems_list ${names})` : names)}`;
    }
    case 'file':
      return '-F';
    case 'folder':
      return "-f -a '(__fish_complete_directories)'";
    case 'nothing':
      return '-f';
  }
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}

/**
 * A script for `eval "$(problems completion bash)"`. If it offers nothing, bash offers file names. Written for bash 3.2 and later, which macOS still has.
 */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) =>
      option.value === undefined ? [] : `    '${name} ${option.name}') ${reply(option.offer)} ;;\n`,
    ),
  );
  const words = commands.map(
    ({ name, options, argument }) => `    '${name} -'*) ${shellsOffered(options.map((option) => option.name))} ;;
    '${name} '*) ${reply(argument)} ;;
`,
  );
  return `# Completion of problems for bash. Made by: problems completion bash
_problems_offer() {
  local word
  for word in "$@"; do
    if [[ "$word" == "$current"* ]]; then COMPREPLY+=("$before$(printf %q "$word")"); fi
  done
}
_problems_list() {
  case "$current" in *,*)
    before="$before\${current%,*},"
    current="\${current##*,}"
  esac
  _problems_offer "$@"
  if type compopt >/dev/null 2>&1; then compopt -o nospace 2>/dev/null; fi
}
_problems_asked() {
  local IFS=$'\\n'
  "$2" $("\${COMP_WORDS[0]}" completion bash --list "$1" 2>/dev/null)
}
_problems() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" command="\${COMP_WORDS[1]}" before=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${shellsOffered([...names, 'help', '--help', '--version'])}
    return
  fi
  case "$current" in
    =) current= ;;
    --*=*) previous="\${current%%=*}" before="\${current%%=*}=" current="\${current#*=}" ;;
    *) if [ "$previous" = = ] && [ "$COMP_CWORD" -gt 2 ]; then previous="\${COMP_WORDS[COMP_CWORD - 2]}"; fi ;;
  esac
  case "$command $previous" in
${values.join('')}  esac
  case "$command $current" in
    'help '*) ${shellsOffered(names)} ;;
${words.join('')}  esac
}
complete -o default -F _problems problems
`;
}

function shellsOffered(words: readonly string[]): string {
  return `_problems_offer ${words.map(shellsQuoted).join(' ')}`;
}

function reply(offer: Offer): string {
  if (offer.type === 'words') return `${shellsOffered(offer.words)}; return`;
  if (offer.type === 'asked')
    return `_problems_asked ${offer.names} ${offer.isList ? '_problems_list' : '_problems_offer'}; return`;
  return offer.type === 'list' ? `_problems_list ${offer.words.map(shellsQuoted).join(' ')}; return` : 'return';
}

function shellsQuoted(word: string): string {
  return /^[\w-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A script for `eval "$(problems completion zsh)"`, or for a file `_problems` in a folder of `fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const names = commands
    .map(({ name, summary }) => `    ${zshQuoted(`${name}:${summary.replaceAll(':', '\\:')}`)}\n`)
    .join('');
  const cases = commands.map(({ name, options, argument }) => {
    const specs = [...options.map(optionSpec), ...argumentSpec(argument)].map(
      (spec) => ` \\\n        ${zshQuoted(spec)}`,
    );
    return `    ${name}) _arguments${specs.join('')} ;;\n`;
  });
  return `#compdef problems
# Completion of problems for zsh. Made by: problems completion zsh
_problems() {
  local -a commands
  commands=(
${names}    'help:Show the help of a command.'
  )
  if (( CURRENT == 2 )); then
    if [[ $PREFIX == -* ]]; then compadd -- --help --version; else _describe command commands; fi
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    help) _describe command commands ;;
${cases.join('')}  esac
}
if [ "$funcstack[1]" = _problems ]; then _problems "$@"; else compdef _problems problems; fi
`;
}

function optionSpec({ name, about, value, offer }: CompletedOption): string {
  const said = `[${about.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
  return value === undefined ? `*${name}${said}` : `*${name}=${said}:${value.replaceAll(':', '\\:')}:${action(offer)}`;
}

function argumentSpec(offer: Offer): readonly string[] {
  return offer.type === 'nothing' ? [] : [`*:argument:${action(offer)}`];
}

function action(offer: Offer): string {
  switch (offer.type) {
    case 'words':
      return `(${escaped(offer.words)})`;
    case 'list':
      return `_values -s , word ${escaped(offer.words)}`;
    case 'asked':
      return `{compadd -- \${(f)"$(problems completion zsh --list ${offer.names} 2>/dev/null)"}}`;
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'nothing':
      return ' ';
  }
}

function zshQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
