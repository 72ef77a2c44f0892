import { wordsIn } from '../util/words.ts';

/** A longer text says more than "none". */
const longest = 80;

const now = '(?: (?:yet|so far|for now|now|currently|today|at present|at the moment|at this time))?';
const needed = '(?:needed|required|necessary|planned|left)';

const none = new RegExp(
  `^(?:(?:none|nothing|nil|null|n a|na)(?: (?:applicable|${needed}|to add|to do|to report))?|none (?:known|found|identified)|` +
    `no|never|off|disabled|false|not (?:applicable|needed|required|necessary))${now}$`,
);

const noMeasures = new RegExp(
  '^no (?:(?:known|further|more|open|remaining|knowledge|monitoring|design|process) )*' +
    `(?:(?:gap|change|need|improvement|measure)s?(?: (?:known|found|identified|${needed}))?|training ${needed})${now}$`,
);

/** Marks and dashes without a word. A tick, however, does say something. */
const blank = /^[\s!-/:-@[-`{-~\u2010-\u2015]*$/;

/** Whether a whole text only says "none": `None.`, `n/a`, `-`, `none so far`, `not needed`. */
export function isNegated(text: string): boolean {
  const words = fewWords(text);
  return words !== undefined && (words === '' ? blank.test(text) : none.test(words));
}

/** The same for a measure or a lesson, where `No known gaps` says it too. `No runbook` names one. */
export function leavesNothingToDo(text: string): boolean {
  return isNegated(text) || noMeasures.test(fewWords(text) ?? '');
}

const refusing = /^(?:none|nothing|no|not|never|off|disabled|do not|don t)(?= |$)/;
const aboutTasks = new Set(
  `active all any are at auto automatic automatically be create created for from gap generate generated generation here
  improvement improvements issue issues knowledge gaps made make monitoring needed new of pattern patterns please
  problem problems recognition record records required such task tasks these this wanted`.split(/\s+/),
);

/**
 * The same for a line of Task Generation, which may also name the unwanted tasks, and give a reason in brackets:
 * `No automatic tasks`, `never generated`, `None (we plan by hand)`. `No more than one task each` asks for tasks.
 */
export function wantsNoTasks(text: string): boolean {
  const line = text.replace(/\((?!.*\b(?:but|except|excluding|only|unless|until)\b)[^()]*\)[\s.]*$/i, '');
  if (isNegated(line)) return true;
  const words = fewWords(line) ?? '';
  const refusal = refusing.exec(words)?.[0];
  return refusal !== undefined && wordsIn(words.slice(refusal.length)).every((word) => aboutTasks.has(word));
}

/** The words of a short text, separated by one space; undefined for a long one. */
function fewWords(text: string): string | undefined {
  const trimmed = text.trim();
  return trimmed.length > longest ? undefined : wordsIn(trimmed.toLowerCase()).join(' ');
}
