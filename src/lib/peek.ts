/** The beginning of a stream, and the whole of it to be read all the same. */
export interface Peeked {
  /** At least `least` bytes, fewer only when there are no more. */
  readonly head: Uint8Array;
  readonly whole: ReadableStream<Uint8Array>;
}

/** Looks at a stream's first bytes. Throws when the stream breaks off before. */
export async function peek(stream: ReadableStream<Uint8Array>, least: number): Promise<Peeked> {
  const reader = stream.getReader();
  const held: Uint8Array[] = [];
  let head = new Uint8Array();
  while (head.byteLength < least) {
    const { done, value } = await reader.read();
    if (done) break;
    held.push(value);
    head = joined(head, value);
  }
  const whole = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const first = held.shift();
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

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.byteLength + other.byteLength);
  both.set(one);
  both.set(other, one.byteLength);
  return both;
}
