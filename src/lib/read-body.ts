import { err, ok, type Result } from "./result.ts";
import { MAX_DISCARDED_BYTES, readUpTo } from "./read-up-to.ts";

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
