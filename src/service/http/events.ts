import type { Service } from '../contract.ts';
import { refusal } from './refusals.ts';

/** Server-sent events. */
export interface EventHub {
  /**
   * A stream of everything that happens, after the event with the id `lastId` if it is still known.
   * @param isAllowed Asked now and then: when the token is removed, the stream ends.
   * @throws a refusal: 429 if there are too many streams.
   */
  open(lastId: string | undefined, isAllowed: () => boolean): Response;
  close(): void;
}

const mostStreams = 32;
const keptEvents = 1_000;
const pingMs = 15_000;
/** Messages that a client has not read. It connects again, and gets what it missed. */
const mostUnread = 2_000;

interface Message {
  readonly number: number;
  readonly text: string;
}

export function eventHub(
  service: Pick<Service, 'subscribe'>,
  redact: (value: unknown) => unknown,
  { ping = pingMs }: { readonly ping?: number } = {},
): EventHub {
  /** Ids of an earlier process mean nothing here. */
  const epoch = Date.now().toString(36);
  const encoder = new TextEncoder();
  const kept: Message[] = [];
  const streams = new Set<{ send(text: string): void; check(): void; end(): void }>();
  let number = 0;

  const unsubscribe = service.subscribe((event) => {
    number += 1;
    const text = `id: ${epoch}-${number}\nevent: ${event.type}\ndata: ${JSON.stringify(redact(event))}\n\n`;
    kept.push({ number, text });
    if (kept.length > keptEvents) kept.shift();
    for (const stream of streams) stream.send(text);
  });
  const timer = setInterval(() => {
    for (const stream of streams) {
      stream.check();
      stream.send(': ping\n\n');
    }
  }, ping);
  timer.unref();

  /** What a client missed; `reset` if that is not known any more, and it must read everything. */
  function missedSince(lastId: string | undefined): readonly string[] {
    if (lastId === undefined) return [];
    const [, last] = lastId.startsWith(`${epoch}-`) ? lastId.split('-') : [];
    const from = Number(last);
    const isKnown = Number.isInteger(from) && from <= number && from >= (kept[0]?.number ?? number + 1) - 1;
    if (!isKnown) return [`id: ${epoch}-${number}\nevent: reset\ndata: {"type":"reset"}\n\n`];
    return kept.filter((message) => message.number > from).map(({ text }) => text);
  }

  return {
    open(lastId, isAllowed) {
      if (streams.size >= mostStreams)
        throw refusal(429, 'too-many', `There are ${mostStreams} streams of events already.`, 'Close a page.');
      let stop: () => void = () => undefined;
      const body = new ReadableStream<Uint8Array>(
        {
          start(controller) {
            function end(): void {
              if (!streams.delete(stream)) return;
              controller.close();
            }
            const stream = {
              send(text: string): void {
                if ((controller.desiredSize ?? 0) < -mostUnread) end();
                else controller.enqueue(encoder.encode(text));
              },
              check(): void {
                if (!isAllowed()) end();
              },
              end,
            };
            stop = () => streams.delete(stream);
            streams.add(stream);
            stream.send('retry: 3000\n\n');
            for (const text of missedSince(lastId)) stream.send(text);
          },
          cancel() {
            stop();
          },
        },
        { highWaterMark: 1 },
      );
      return new Response(body, {
        headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' },
      });
    },
    close() {
      clearInterval(timer);
      unsubscribe();
      for (const stream of streams) stream.end();
    },
  };
}
