import { describe, expect, it } from 'vitest';
import type { Marker } from '../../../src/registry/parse/marker.ts';
import { findMarkers } from '../../../src/registry/parse/markers.ts';
import { growth } from './growth.ts';
import { fixture } from './markdown-texts.ts';

const start = '<!-- EMBED:ACTIVEPROBLEM:START -->';

const end = '<!-- EMBED:ACTIVEPROBLEM:END -->';

function markers(text: string): readonly Marker[] {
  const scan = findMarkers(text);
  if (scan.type === 'too-complex') throw new Error(scan.reason);
  return scan.markers;
}

/** The markers in short: `start`, `end`, with `!` if they are misplaced. */
function edges(text: string): string[] {
  return markers(text).map(({ edge, misplaced }) => (misplaced ? `${edge}!` : edge));
}

describe('a marker', () => {
  it('is a comment alone on its line, even between lines of prose', () => {
    const text = `prose\n${start}\n### Title\n${end}\nprose\n`;
    expect(markers(text)).toEqual([
      { edge: 'start', name: 'ACTIVEPROBLEM', canonical: true, misplaced: false, start: 6, end: 40 },
      { edge: 'end', name: 'ACTIVEPROBLEM', canonical: true, misplaced: false, start: 51, end: 83 },
    ]);
  });

  it('may be indented by three spaces and followed by blanks', () => {
    expect(edges(`   ${start}  \t\n`)).toEqual(['start']);
  });

  it('is found after a byte-order mark, and with CRLF or CR', () => {
    expect(edges(`\ufeff${start}\r\n${end}\r\n`)).toEqual(['start', 'end']);
    expect(edges(`\ufeff${start}\r${end}\r`)).toEqual(['start', 'end']);
  });

  it('is recognized in any case and spacing, but is then not canonical', () => {
    const odd = [
      '<!--embed:ActiveProblem : start-->',
      '<!--  EMBED: ACTIVEPROBLEM :\tSTART  -->',
      '<!-- EMBED:activeproblem:START -->',
    ];
    for (const text of odd)
      expect(markers(text)).toEqual([
        expect.objectContaining({ name: 'ACTIVEPROBLEM', edge: 'start', canonical: false }),
      ]);
  });

  it('may name an unknown kind', () => {
    expect(markers('<!-- EMBED:SOMETHING-2:END -->')).toEqual([
      expect.objectContaining({ name: 'SOMETHING-2', edge: 'end' }),
    ]);
  });

  it('ends lists, quotes and paragraphs', () => {
    expect(edges(`- a\n  - b\n${start}\n> quote\n${end}\nprose\n${start}\n`)).toEqual(['start', 'end', 'start']);
  });

  it('is not just any comment', () => {
    expect(
      edges(
        '<!-- EMBED -->\n<!-- EMBED:A -->\n<!-- EMBED:A:MIDDLE -->\n<!-- EMBED:A:START\n-->\n<!-- X EMBED:A:START -->\n',
      ),
    ).toEqual([]);
  });
});

describe('a comment that is almost a marker', () => {
  it.each([
    ['<!-- EMBED:ACTIVE PROBLEM:START -->', 'start'],
    ['<!-- EMBED:ACTIVE PROBLEM:END -->', 'end'],
    ['<!-- EMBED:ACTIVEPROBLEM:BEGIN -->', 'start'],
    ['<!-- EMBED:ACTIVEPROBLEM:FINISH -->', 'end'],
    ['<!-- EMBED:ACTIVEPROBLEM-START -->', 'start'],
    ['<!-- EMBED:ACTIVEPROBLEM_END -->', 'end'],
    ['<!-- EMBED:ACTIVEPROBLEM:START v2 -->', 'start'],
    ['<!-- EMBED:ACTIVEPROBLEM START -->', 'start'],
    ['<!-- EMBED:ACTIVEPROBLEMSTART -->', 'start'],
    ['<!-- EMBED:START:ACTIVEPROBLEM -->', 'start'],
    ['<!-- EMBED ACTIVEPROBLEM:START -->', 'start'],
    ['<!-- EMBED-ACTIVEPROBLEM-START -->', 'start'],
    ['<!-- ACTIVEPROBLEM:START -->', 'start'],
    ['<!-- activeproblem - end -->', 'end'],
    ['<!-- EMBEDDED:ACTIVEPROBLEM:START -->', 'start'],
    ['<!-- embedded : active-problem : end-->', 'end'],
    ['<!--- EMBED:ACTIVEPROBLEM:START --->', 'start'],
    ['<!-- EMBED:ACTIVPROBLEM-START -->', 'start'],
    ['<!-- EMBED:ACTIVEPROBLEM:STRAT -->', undefined],
    ['<!-- EMBED:ACTIVEPROBLEM -->', undefined],
  ])('is reported with its probable meaning: %s', (text, meant) => {
    expect(markers(`a\n\n${text}\n`)).toEqual([
      {
        edge: 'slip',
        name: 'ACTIVEPROBLEM',
        canonical: false,
        misplaced: false,
        start: 3,
        end: 3 + text.length,
        ...(meant === undefined ? {} : { meant }),
      },
    ]);
  });

  it.each([
    '<!-- EMBED:ACTIVEPROBLEM:START ->',
    '<!-- EMBED:ACTIVEPROBLEM:START -- >',
    '<!-- EMBED:ACTIVEPROBLEM:START',
    '<!-- EMBED:ACTIVEPROBLEM:START>',
  ])('hides the text after it if it is not closed: %s', (text) => {
    expect(markers(`a\n\n${text} \n### Title\n${end}\n${start}\n`)).toMatchObject([
      { edge: 'slip', name: 'ACTIVEPROBLEM', meant: 'start', start: 3, end: 3 + text.length },
      { edge: 'start', misplaced: false },
    ]);
    expect(edges(`a ${text}\nb -->`)).toEqual(['slip!']);
    expect(edges(`a ${text}\nb`)).toEqual([]);
  });

  it.each([
    '<!-- embed: video here -->',
    '<!-- EMBED -->',
    '<!-- EMBED: -->',
    '<!-- embed: start of the video -->',
    '<!-- embed: the problem starts here -->',
    '<!-- EMBED:VIDEO-START -->',
    '<!-- embed: chart of active problems -->',
    '<!-- embed: what ACTIVEPROBLEM records are for -->',
    '<!-- embed: where an active problem starts, and how anybody who reads this can tell -->',
    '<!-- ACTIVEPROBLEM: when it starts -->',
    '<!-- VIDEO:START -->',
    '<!-- X EMBED:ACTIVEPROBLEM-START -->',
    '<!--\nEMBED:ACTIVEPROBLEM-START\n-->',
    '<!-- embed: what is\nan ACTIVEPROBLEM? -->',
    '`<!-- EMBED:ACTIVEPROBLEM-START -->`',
    '```\n<!-- EMBED:ACTIVEPROBLEM-START -->\n```',
    '    <!-- EMBED:ACTIVEPROBLEM-START -->',
    '<div>\n<!-- EMBED:ACTIVEPROBLEM-START -->\n</div>',
  ])('is not confused with %s', (text) => {
    expect(edges(`a\n\n${text}\n`)).toEqual([]);
  });
});

describe('a comment in the form of a marker', () => {
  it.each([
    ['fenced code', `\`\`\`\`markdown\n${start}\n\`\`\`\n${end}\n\`\`\`\`\n`],
    ['a fence that is never closed', `~~~\n${start}\n\n# a\n${end}`],
    ['indented code', `prose\n\n    ${start}\n\n    ${end}\n`],
    ['fenced code in an item', `1. a\n\n   \`\`\`markdown\n   ${start}\n\n   ${end}\n   \`\`\`\n`],
    ['fenced code in a quote', `> ~~~\n> ${start}\n> ~~~\n`],
    ['inline code', `Write \`${start}\` and \`\` ${end} \`\`.\n`],
    ['inline code over lines', `Write \`a\n${'text '.repeat(3)}${start}\nb\` here.`],
    ['inline code in an item', `- Write \`${start}\`\n`],
    ['inline code in a table', `| a |\n|---|\n| \`${start}\` |\n`],
    ['HTML that holds other text', `<div>\n${start}\n</div>\n`],
    ['HTML up to its end tag', `<pre>\n\n${start}\n</pre>\n`],
    ['a comment', `<!--\n${'x\n'.repeat(2)}${start}`],
    ['the attribute of a tag', `prose <i title="${start}">\n`],
    ['a line after a backslash', `prose \\${start}\n`],
  ])('has no meaning in %s', (_, text) => {
    expect(edges(text)).toEqual([]);
    expect(edges(`${start}\n\n${text}`)).toEqual(['start']);
  });

  it.each([
    ['a list item', `- ${start}\n`],
    ['a later line of a list item', `- a\n\n  ${start}\n`],
    ['a quote', `> ${start}\n`],
    ['a table', `| a |\n|---|\n| ${start} |\n`],
    ['a paragraph', `prose ${start} prose\n`],
    ['a heading', `# ${start}\n`],
    ['a line with other text behind it', `${start} text\n`],
    ['a paragraph after a backtick that opens no code', `a \` b ${start}\n`],
  ])('is misplaced in %s', (_, text) => {
    expect(edges(text)).toEqual(['start!']);
    expect(edges(`${text}\n${end}\n`)).toEqual(['start!', 'end']);
  });

  it('is misplaced next to another marker', () => {
    expect(edges(`${start} ${end}\n`)).toEqual(['start!', 'end!']);
  });

  it('counts after a fenced example that an inner fence has ended', () => {
    expect(edges(`\`\`\`markdown\n${start}\n\`\`\`yaml\na: 1\n\`\`\`\n${end}\n\`\`\`\n`)).toEqual(['end']);
  });
});

describe('the search for markers', () => {
  it('refuses parts of a file that exceed the limits of remark, and says which', () => {
    const deep = `${'>'.repeat(100)} ${start}\n`;
    expect(findMarkers(`# a\n\n${deep}\n# b\n${end}\n`)).toEqual({
      type: 'too-complex',
      reason: 'more than 16 levels of nesting',
      start: 5,
      end: 5 + deep.length + 1,
    });
    expect(findMarkers(`> ${start}\n\n`.repeat(1_000))).toMatchObject({ type: 'too-complex' });
    expect(findMarkers(`<b>\n\`\`\`\n${`${start}\n`.repeat(10_000)}`)).toMatchObject({ type: 'too-complex' });
  });

  it.each([
    ['a registry', fixture('resources/postgres/PROBLEMS.md')],
    ['a registry with CRLF', fixture('resources/postgres/PROBLEMS.md').replaceAll('\n', '\r\n')],
    ['prose without markers', 'prose <!-- note -->\n'],
    ['markers alone', `${start}\n`],
    ['unfinished markers', '<!-- EMBED:'],
    ['unfinished comments', '<!--    '],
    ['what is nearly a marker', '<!-- EMBED:ACTIVE PROBLEM:START -->\n'],
    ['words of one comment', '<!-- EMBED:ACTIVE START '],
    ['comments left open', '<!-- EMBED:ACTIVEPROBLEM:START ->\n'],
    ['comments left open in prose', 'a <!-- EMBED:ACTIVEPROBLEM:START ->\n'],
    ['blanks of one comment', '<!-- EMBED:ACTIVEPROBLEM:START            '],
    ['markers on one line', start],
    ['markers in prose', `prose ${start}\n`],
    ['backticks', '`a``b```c````d'.concat(start)],
    ['tags', `<i a="${start}\n`],
    ['unclosed tags', `x <!-- <? <!X <![CDATA[ ${start}`],
    ['lists', `- a\n  - b\n\n    \`\`\`\n    ${start}\n    \`\`\`\n`],
    ['footnotes', `[^a]: b\n\n    c\n${start}\n`],
    ['HTML', `<b>\n\n<!--\n--> ${start}\n`],
  ])('takes time proportional to the file: %s', { timeout: 60_000 }, (_, shape) => {
    expect(growth(shape, findMarkers)).toBeLessThan(40);
  });

  it.each(['- ', '1. ', '>', '* - ', '[^a]: ', '<b ', '`'])('takes time proportional to one line of %j', (shape) => {
    const search = (text: string): unknown => [findMarkers(`${text}a\n${start}`), findMarkers(`${text}${start}\n`)];
    expect(growth(shape, search)).toBeLessThan(40);
  });
});
