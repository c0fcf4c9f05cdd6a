import { concatenate } from "./bytes.ts";

/** The beginning of a stream, and a stream that still has the whole content. */
export interface Peeked {
  /** At least `minBytes` bytes; fewer only when the stream is shorter. */
  readonly head: Uint8Array;
  readonly whole: ReadableStream<Uint8Array>;
}

/** Reads a stream's first bytes without losing them. Throws when the stream fails before that. */
export async function peek(stream: ReadableStream<Uint8Array>, minBytes: number): Promise<Peeked> {
  const reader = stream.getReader();
  const buffered: Uint8Array[] = [];
  let head = new Uint8Array();
  while (head.byteLength < minBytes) {
    const { done, value } = await reader.read();
    if (done) break;
    buffered.push(value);
    head = concatenate([head, value]);
  }
  const whole = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const first = buffered.shift();
        if (first !== undefined) {
          controller.enqueue(first);
          return;
        }
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return { head, whole };
}
