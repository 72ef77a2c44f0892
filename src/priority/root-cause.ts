/** What a Root Cause field amounts to. */
export type RootCauseKnowledge = 'known' | 'suspected' | 'unknown';

const unknown =
  /^(?:none|n\/a|no|not yet|tb[ad]|to do|todo|-+|\?+)[\s!-/:-@[-`{-~\u2010-\u205E]*$|\b(?:unknown|unclear|undetermined|unidentified|to be (?:determined|found|investigated|analy[sz]ed)|under investigation|not (?:yet |fully )?(?:known|found|clear|determined|identified|understood))\b/i;

const suspected =
  /\b(?:suspect\w*|unconfirmed|uncertain|presumabl[ye]|presumed|hypothes[ie]s|not (?:yet )?confirmed)\b|(?:^|\bis |\()(?:most |very |quite )?(?:likely|probabl[ye]|possibl[ye]|perhaps|maybe)\b|\?\s*$/i;

/**
 * Whether a root cause is known, suspected or unknown, by the words that docs/priority.md lists. Words that only hedge
 * (`likely`, `probably`) count at the start, after `is` or in brackets: "makes a clash likely" is a known cause.
 */
export function rootCauseKnowledge(rootCause: string | undefined): RootCauseKnowledge {
  const text = rootCause?.trim().slice(0, 2000) ?? '';
  if (text === '' || unknown.test(text)) return 'unknown';
  return suspected.test(text) ? 'suspected' : 'known';
}
