import { wordsIn } from '../util/words.ts';

type Separator = ' ' | '-' | '_' | '/' | '+' | '→' | '(' | ')' | ':';

/** `Last Occurrence` → `lastOccurrence`, `success_prob` → `successProb`, `Auto-Detection` → `autoDetection`. */
export type CamelCase<
  Label extends string,
  Upper extends boolean = false,
  Done extends string = '',
> = Label extends `${infer Letter}${infer Rest}`
  ? Letter extends Separator
    ? CamelCase<Rest, Done extends '' ? false : true, Done>
    : CamelCase<Rest, false, `${Done}${Upper extends true ? Uppercase<Letter> : Lowercase<Letter>}`>
  : Done;

/** The property name of a label or a yaml key: what `CamelCase` is for types, at run time. */
export function propertyName(label: string): string {
  const [first = '', ...rest] = wordsIn(label.toLowerCase());
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}
