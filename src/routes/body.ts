import { err, ok, type Result } from "../core/result.ts";

/**
 * Reads a request's body up to `most` bytes, without trusting Content-Length.
 * On failure: it is larger, or the caller broke off.
 */
export async function readBody(
  request: Request,
  most: number,
): Promise<Result<Uint8Array<ArrayBuffer>, "too large" | "broken off">> {
  if (request.body === null) return ok(new Uint8Array());
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > most) {
        await reader.cancel();
        return err("too large");
      }
      chunks.push(value);
    }
  } catch {
    return err("broken off");
  }
  const body = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    body.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return ok(body);
}
