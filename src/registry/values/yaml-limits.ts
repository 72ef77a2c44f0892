/** What a yaml block may hold at most: characters, values, and levels of nesting. Estimates and evidence need a hundredth. */
export const limits = { characters: 64 * 1024, values: 2000, depth: 8 };

export const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype', '<<']);
