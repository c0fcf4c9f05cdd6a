import { err, ok, type Result } from "./result.ts";
import { MAX_DISCARDED_BYTES, readUpTo } from "./read-up-to.ts";

/** Reads a request's body up to `most` bytes. On failure: it is larger, or the caller broke off. */
export async function readBody(
  request: Request,
  most: number,
): Promise<Result<Uint8Array<ArrayBuffer>, "too large" | "broken off">> {
  try {
    const body = await readUpTo(request.body, most, MAX_DISCARDED_BYTES);
    return body === null ? err("too large") : ok(body);
  } catch {
    // The only thing that throws here is the caller's connection.
    return err("broken off");
  }
}
