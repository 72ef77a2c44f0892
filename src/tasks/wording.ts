const longestTitle = 200;
const longestDescription = 8000;

/** One line without control characters, at most 200 characters. */
export function titleText(text: string): string {
  return shortened(text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim(), longestTitle);
}

/** `Label: text` paragraphs of what a record states; what it does not state is left out. At most 8,000 characters. */
export function paragraphs(parts: Readonly<Record<string, string | readonly string[] | undefined>>): string {
  const stated = Object.entries(parts).flatMap(([label, value]) => {
    const text = typeof value === 'string' ? value : value?.map((item) => `\n- ${item}`).join('');
    return text === undefined || text.trim() === '' ? [] : [`${label}: ${text.trimEnd()}`];
  });
  return shortened(stated.join('\n\n'), longestDescription);
}

function shortened(text: string, longest: number): string {
  // Half a character, whether stated so or cut here, could not be written to a file and read again.
  return (text.length <= longest ? text : `${text.slice(0, longest - 1)}…`).toWellFormed();
}
