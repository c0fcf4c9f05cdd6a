import { concatenate } from "./bytes.ts";
import { err, ok, type Result } from "./result.ts";

/** Bytes of a request body beyond its limit that are read and discarded before the response. */
const MAX_DISCARDED_BYTES = 256 * 1024;

/** Reads a request's body of at most `maxBytes`. On failure: it is larger, or the caller hung up. */
export async function readBody(
  request: Request,
  maxBytes: number,
): Promise<Result<Uint8Array<ArrayBuffer>, "too large" | "broken off">> {
  try {
    const body = await readUpTo(request.body, maxBytes, MAX_DISCARDED_BYTES);
    return body === null ? err("too large") : ok(body);
  } catch {
    // Only the caller's connection throws here.
    return err("broken off");
  }
}

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
  return concatenate(chunks);
}
