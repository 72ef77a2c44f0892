const form = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * The instant of an ISO text, in milliseconds since 1970, or undefined where it is none. A day alone is its first
 * moment and a time without a zone is UTC, so that the same text means the same on every machine.
 */
export function instantOf(text: string | undefined): number | undefined {
  const match = text === undefined ? null : form.exec(text);
  if (text === undefined || match === null) return undefined;
  const instant = Date.parse(text.includes('T') && match[1] === undefined ? `${text}Z` : text);
  return Number.isNaN(instant) ? undefined : instant;
}
