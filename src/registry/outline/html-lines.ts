/**
 * How HTML begins at the start of a line (CommonMark 0.31 §4.6): with what its block ends (kinds 1 to 4), `tag` where
 * it is a block up to the next blank line or a paragraph (6 and 7), `unsure` for CDATA (5), `none` for no HTML.
 */
export type HtmlStart = HtmlEnd | 'tag' | 'unsure' | 'none';
export type HtmlEnd = '-->' | '?>' | '>' | '</';

const rawStart = /^<(?:pre|script|style|textarea)(?:[\s>]|$)/i;
const rawEnd = /<\/(?:pre|script|style|textarea)>/i;

export function htmlStart(text: string, at: number, end: number): HtmlStart {
  if (text[at] !== '<') return 'none';
  const line = text.slice(at, end);
  if (line.startsWith('<!--')) return '-->';
  if (line.startsWith('<?')) return '?>';
  if (line.startsWith('<![CDATA[')) return 'unsure';
  if (/^<![a-z]/i.test(line)) return '>';
  if (rawStart.test(line)) return '</';
  return /^<\/?[a-z]/i.test(line) ? 'tag' : 'none';
}

/** Whether HTML that ends with `ending` does so between two offsets of one line. */
export function endsHtml(text: string, at: number, end: number, ending: HtmlEnd): boolean {
  const part = text.slice(at, end);
  return ending === '</' ? rawEnd.test(part) : part.includes(ending);
}
