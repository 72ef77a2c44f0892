import type { CompletedCommand, Offer } from './words.ts';

/** A script for `problems completion fish | source`. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = ['# Completion of problems for fish. Made by: problems completion fish', 'complete -c problems -f'];
  for (const { name, summary, options, argument } of commands) {
    const after = `complete -c problems -n '__fish_seen_subcommand_from ${name}'`;
    lines.push(`complete -c problems -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`);
    if (argument.type !== 'nothing') lines.push(`${after} ${offered(argument)}`);
    for (const option of options) {
      const value = option.value === undefined ? '' : ` -r ${offered(option.offer)}`;
      lines.push(`${after} -l ${option.name.slice(2)}${value} -d ${quoted(option.about)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function offered(offer: Offer): string {
  switch (offer.type) {
    case 'words':
      return `-f -a ${quoted(offer.words.map((word) => word.replaceAll(/[^\w-]/g, '\\$&')).join(' '))}`;
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
