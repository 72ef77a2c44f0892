/** What a text is, from which follows how a terminal shows it. */
export type Tone = 'error' | 'warning' | 'path' | 'faint' | 'strong' | 'good';

/** Gives a text the look of its tone; `plain` leaves it as it is. Reporters take one, and so never ask where they print. */
export type Style = (tone: Tone, text: string) => string;

export function plain(_tone: Tone, text: string): string {
  return text;
}
