import { type MessagePort, parentPort } from 'node:worker_threads';
import { markdownMarkers } from '../outline/markdown-markers.ts';
import { markdownOutline } from '../outline/markdown-outline.ts';
import type { Marker } from './marker.ts';
import type { OutlineNode } from './outline.ts';

/** The first message: where questions come from and answers go, and the flag that wakes the one who waits. */
export interface MarkdownChannel {
  readonly port: MessagePort;
  readonly answered: Int32Array;
}

/** `shift` is added to every offset of the answer. */
export interface MarkdownQuestion {
  readonly about: 'outline' | 'markers';
  readonly source: string;
  readonly shift: number;
}

export type MarkdownAnswer =
  | { readonly type: 'outline'; readonly nodes: readonly OutlineNode[] }
  | { readonly type: 'markers'; readonly markers: readonly Marker[] }
  | { readonly type: 'failed'; readonly reason: string };

parentPort?.on('message', ({ port, answered }: MarkdownChannel) => {
  port.on('message', (question: MarkdownQuestion) => {
    port.postMessage(answerTo(question));
    Atomics.store(answered, 0, 1);
    Atomics.notify(answered, 0);
  });
});

function answerTo({ about, source, shift }: MarkdownQuestion): MarkdownAnswer {
  try {
    return about === 'outline'
      ? { type: 'outline', nodes: markdownOutline(source, shift) }
      : { type: 'markers', markers: markdownMarkers(source, shift) };
  } catch (error) {
    return { type: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
