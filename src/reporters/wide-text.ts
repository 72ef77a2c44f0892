/** Loaded by wrap-text.ts for the first text that is not ASCII. */
export { default as stringWidth } from 'string-width';
