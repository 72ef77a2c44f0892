/** ASCII and the dashes, quotes and arrows of plain text: no letter or digit of another script is among them. */
const plain = /^[\0-\x7F\u00A0\u2010-\u205E\u2190-\u21FF]*$/;

/**
 * The words of a text, in order and as written: runs of letters, with their marks, and digits of any script. The pattern for every script
 * takes milliseconds to compile, as long as reading a registry, so plain texts are split by one for ASCII.
 */
export function wordsIn(text: string): readonly string[] {
  return text.split(plain.test(text) ? /[^A-Za-z0-9]+/ : /[^\p{L}\p{M}\p{N}]+/u).filter((word) => word !== '');
}
