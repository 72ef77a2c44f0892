import type { CompletedCommand, Offer } from './words.ts';

/**
 * A script for `eval "$(problems completion bash)"`. Where it offers nothing of its own, bash offers the names of
 * files. Written for bash 3.2 and later, which macOS still has.
 */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name }) => name);
  const values = commands.flatMap(({ name, options }) =>
    options.flatMap((option) =>
      option.value === undefined ? [] : `    '${name} ${option.name}') ${reply(option.offer)} ;;\n`,
    ),
  );
  const words = commands.map(
    ({ name, options, argument }) => `    '${name} -'*) ${offered(options.map((option) => option.name))} ;;
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
_problems() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" command="\${COMP_WORDS[1]}" before=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    ${offered([...names, 'help', '--help', '--version'])}
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
    'help '*) ${offered(names)} ;;
${words.join('')}  esac
}
complete -o default -F _problems problems
`;
}

function offered(words: readonly string[]): string {
  return `_problems_offer ${words.map(quoted).join(' ')}`;
}

function reply(offer: Offer): string {
  if (offer.type === 'words') return `${offered(offer.words)}; return`;
  return offer.type === 'list' ? `_problems_list ${offer.words.map(quoted).join(' ')}; return` : 'return';
}

function quoted(word: string): string {
  return /^[\w-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
