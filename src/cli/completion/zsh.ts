import { type CompletedCommand, type CompletedOption, escaped, type Offer } from './words.ts';

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
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    case 'nothing':
      return ' ';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
