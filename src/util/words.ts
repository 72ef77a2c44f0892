/** ASCII, and the dashes, quotes, arrows and the like that stand between words in plain text: no letter or digit is among them. */
const plain = /^[\0-\x7F\u00A0\u2010-\u205E\u2190-\u21FF]*$/;

/**
 * What stands between the words of a text: all but letters and digits of any script. A pattern for every script takes
 * several milliseconds to compile, as long as reading a registry, so texts that hold none of them get one without.
 */
function wordSeparator(text: string): RegExp {
  return plain.test(text) ? /[^A-Za-z0-9]+/g : /[^\p{L}\p{N}]+/gu;
}

/** The words of a text in their order, as they are written. */
export function wordsIn(text: string): readonly string[] {
  return text.split(wordSeparator(text)).filter((word) => word !== '');
}
