/** With what a block of HTML ends: some text, the end tag of raw text (`</`), or a blank line. */
export type HtmlEnd = '-->' | '?>' | '>' | '</' | 'blank';

/**
 * How HTML begins at the start of a line (CommonMark 0.31 §4.6): with what its block ends, `tag` where it is a block up
 * to the next blank line or a paragraph, `unsure` for CDATA, `none` for no HTML.
 */
export type HtmlStart = HtmlEnd | 'tag' | 'unsure' | 'none';

const rawStart = /^<(?:pre|script|style|textarea)(?:[\s>]|$)/i;
const rawEnd = /<\/(?:pre|script|style|textarea)>/i;
/** Some of the tags that always begin a block. Others count as `tag`. */
const blockStart =
  /^<\/?(?:blockquote|center|details|div|dl|h[1-6]|hr|li|ol|p|section|summary|table|tbody|td|th|thead|tr|ul)(?:\s|\/?>|$)/i;

export function htmlStart(text: string, at: number, end: number): HtmlStart {
  if (text[at] !== '<') return 'none';
  const line = text.slice(at, end);
  if (line.startsWith('<!--')) return '-->';
  if (line.startsWith('<?')) return '?>';
  if (line.startsWith('<![CDATA[')) return 'unsure';
  if (/^<![a-z]/i.test(line)) return '>';
  if (rawStart.test(line)) return '</';
  if (blockStart.test(line)) return 'blank';
  return /^<\/?[a-z]/i.test(line) ? 'tag' : 'none';
}

/** Whether HTML that ends with `ending` does so between two offsets of one line. */
export function endsHtml(text: string, at: number, end: number, ending: HtmlEnd): boolean {
  if (ending === 'blank') return false;
  const part = text.slice(at, end);
  return ending === '</' ? rawEnd.test(part) : part.includes(ending);
}
