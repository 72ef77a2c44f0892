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
  let name = '';
  for (const word of label.toLowerCase().split(wordSeparator(label))) {
    if (word !== '') name += name === '' ? word : word.charAt(0).toUpperCase() + word.slice(1);
  }
  return name;
}

/** What stands between the words of a text: all but letters and digits. The pattern for every script is slow to load, and few texts need it. */
export function wordSeparator(text: string): RegExp {
  return /^[\0-\x7F→]*$/.test(text) ? /[^A-Za-z0-9]+/g : /[^\p{L}\p{N}]+/gu;
}
