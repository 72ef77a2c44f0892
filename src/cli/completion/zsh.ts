import type { CompletedCommand, CompletedOption, Offer } from './words.ts';

/** A script for `eval "$(problems completion zsh)"`, or for a file `_problems` in a folder of `fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const names = commands
    .map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(':', '\\:')}`)}\n`)
    .join('');
  const cases = commands.map(({ name, options, argument }) => {
    const specs = [...options.map(optionSpec), ...argumentSpec(argument)].map((spec) => ` \\\n        ${quoted(spec)}`);
    return `    ${name}) _arguments${specs.join('')} ;;\n`;
  });
  return `#compdef problems
# Completion of problems for zsh. Made by: problems completion zsh
_problems() {
  local -a commands
  commands=(
${names}  )
  if (( CURRENT == 2 )); then
    _describe command commands
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
  const spec = `*${name}[${about.replaceAll(/[[\]\\:]/g, '\\$&')}]`;
  return value === undefined ? spec : `${spec}:${value}:${action(offer)}`;
}

function argumentSpec(offer: Offer): readonly string[] {
  return offer.type === 'nothing' ? [] : [`*:argument:${action(offer)}`];
}

function action(offer: Offer): string {
  if (offer.type === 'words') return `(${offer.words.map((word) => word.replaceAll(/[^\w-]/g, '\\$&')).join(' ')})`;
  if (offer.type === 'file') return '_files';
  return offer.type === 'folder' ? '_files -/' : ' ';
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
