import type { Span } from '../position.ts';
import type { MarkerComment } from './marker-comments.ts';

/**
 * A marker of a registry. It marks the edge of a block if it is alone a whole block of HTML at the level of the
 * document; in a list, a quote, a table or a paragraph, or beside something on its line, it is misplaced and marks nothing.
 */
export interface Marker extends MarkerComment {
  readonly misplaced: boolean;
}

/** `reason` says why the markers at a span cannot be told from text. */
export type MarkerScan =
  | { readonly type: 'markers'; readonly markers: readonly Marker[] }
  | ({ readonly type: 'too-complex'; readonly reason: string } & Span);
