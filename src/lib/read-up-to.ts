/** Bytes of a request body beyond its limit that are read and discarded before the response. */
export const MAX_DISCARDED_BYTES = 4 * 1024 * 1024;

/**
 * Reads a whole body of at most `maxBytes`; null when it is larger. Ignores Content-Length, which may
 * be missing or wrong. Throws when the stream fails.
 *
 * @param maxDiscarded bytes beyond `maxBytes` to read and discard before the stream is cancelled: a
 *   caller that is still writing may lose the response when its connection is reset
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  maxDiscarded = 0,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > maxBytes + maxDiscarded) return null;
    if (size <= maxBytes) chunks.push(chunk);
  }
  if (size > maxBytes) return null;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
