import { type CompletedCommand, escaped, type Offer } from './words.ts';

/** A script for `problems completion fish | source`. Written for fish 3.1 and later. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = [start];
  const names = commands.map(({ name }) => name).join(' ');
  lines.push(`complete -c problems -n '__problems_after help' -a ${quoted(names)}`);
  for (const { name, summary, options, argument } of commands) {
    const after = `complete -c problems -n '__problems_after ${name}'`;
    lines.push(`complete -c problems -n __problems_first -a ${name} -d ${quoted(summary)}`);
    if (argument.type !== 'nothing') lines.push(`${after} ${offered(argument)}`);
    for (const option of options) {
      const value = option.value === undefined ? '' : ` -r ${offered(option.offer)}`;
      lines.push(`${after} -l ${option.name.slice(2)}${value} -d ${quoted(option.about)}`);
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

function offered(offer: Offer): string {
  switch (offer.type) {
    case 'words':
      return `-f -a ${quoted(escaped(offer.words))}`;
    case 'list':
      return `-f -a ${quoted(`(__problems_list ${escaped(offer.words)})`)}`;
    case 'file':
      return '-F';
    case 'folder':
      return "-f -a '(__fish_complete_directories)'";
    case 'nothing':
      return '-f';
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
}
