/** What a Root Cause field amounts to. */
export type RootCauseKnowledge = 'known' | 'suspected' | 'unknown';

const mark = '[\\s!-/:-@[-`{-~]';
const start = `^${mark}*`;

/** Where a field speaks of the cause itself: at the start of it or of a part, and after `is` and the like. */
const lead =
  `(?:${start}|[(:;.,\\u2013\\u2014]\\s*|\\b(?:is|are|was|has|have|had|been|remains?|stays?|cause|reason|origin)\\s+)` +
  '(?:(?:still|currently|yet|as yet|so far|largely)\\s+)?[*_`"\'\\[]*';

/** What may follow there: the end, a mark, or a word that is no name of a thing. `unknown hosts` are not an unknown cause. */
const end =
  '(?=[ \\t]*(?:$|[\\n.,;:!?()*_`"\'\\]\\u2013\\u2014]|-[\\s-])|' +
  '\\s+(?:why|how|what|which|where|when|who|whether|if|at (?:present|this|the moment)|yet|so far|as (?:of|yet)|until|for now|(?:root )?cause|reason|origin|but|and|or|still|currently|now)\\b)';

const noCause = new RegExp(
  [
    `^(?:none(?: (?:known|found|identified|yet|so far))*|n/a|no|not yet|tb[ad]|to ?do|-+|\\?+)(?:${mark}|[\\u2010-\\u205E])*$`,
    '^(?:n/a|tb[ad]|to ?do)\\s*[,;:.(\\u2013\\u2014-]',
  ].join('|'),
  'i',
);

/** Without one of these words the next pattern, which looks at what stands around them, need not be tried. */
const unknownWord =
  /\b(?:un(?:known|clear|determined|identified)|not (?:yet|fully|been|known|clear|determined|identified|understood|found)|under investigation|to be (?:determined|found|investigated|analy[sz]ed))\b/i;

const unknown = new RegExp(
  [
    `${lead}(?:un(?:known|clear|determined|identified)|not (?:(?:yet|fully|been) )*(?:known|clear|determined|identified|understood))${end}`,
    `(?:${start}|\\b(?:cause|reason|origin)(?:\\s+\\w+){0,3}\\s+)not (?:(?:yet|been) )*found${end}`,
    `${lead}(?:under investigation|to be (?:determined|investigated|analy[sz]ed))\\b`,
    `(?:${start}|\\b(?:cause|reason|origin)(?:\\s+\\w+){0,3}\\s+)to be found${end}`,
  ].join('|'),
  'i',
);

const suspected = new RegExp(
  [
    '\\b(?:suspect\\w*|presumabl[ye]|presumed|hypothes[ie]s)\\b',
    `${start}(?:unconfirmed|uncertain)\\b`,
    `\\b(?:unconfirmed|uncertain|not (?:yet )?confirmed)${end}`,
    '(?:^|\\bis |\\()(?:most |very |quite )?(?:likely|probabl[ye]|possibl[ye]|perhaps|maybe)\\b',
    '\\?\\s*$',
  ].join('|'),
  'i',
);

/**
 * Whether a root cause is known, suspected or unknown, by the words that docs/priority.md lists. They count where they
 * speak of the cause: "a bug: unknown hosts are tried" and "makes a clash likely" are known causes.
 */
export function rootCauseKnowledge(rootCause: string | undefined): RootCauseKnowledge {
  const text = rootCause?.trim().slice(0, 2000) ?? '';
  if (text === '' || noCause.test(text)) return 'unknown';
  if (unknownWord.test(text) && unknown.test(text)) return 'unknown';
  return suspected.test(text) ? 'suspected' : 'known';
}
