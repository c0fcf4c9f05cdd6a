/** Of a request's body that is too large, so much is read before its caller is answered all the same. */
export const MAX_DISCARDED_BYTES = 4 * 1024 * 1024;

/**
 * Reads a body whole, if it has no more than `most` bytes; null when it has more. A Content-Length
 * isn't asked: it may be absent or a lie. Throws when the stream breaks off.
 *
 * @param discarded how many bytes more are read and thrown away before the rest is left unread: a
 *   caller that is still writing may lose the answer to a reset connection
 */
export async function readUpTo(
  stream: ReadableStream<Uint8Array> | null,
  most: number,
  discarded = 0,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream.
    if (size > most + discarded) return null;
    if (size <= most) chunks.push(chunk);
  }
  if (size > most) return null;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}
