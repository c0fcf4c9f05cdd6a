import { setTimeout as sleep } from "node:timers/promises";

const POLL_INTERVAL_MS = 50;
const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Polls `probe` until it returns something. The generous timeout only ends a wait for something that
 * never happens; it says nothing about speed. Its error names what was awaited.
 */
export async function eventually<T>(
  awaited: string,
  probe: () => Promise<T | undefined> | T | undefined,
  timeoutMs = DEFAULT_TIMEOUT_MS,
): Promise<T> {
  const endAt = Date.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > endAt) throw new Error(`${awaited}: not within ${timeoutMs / 1000} s`);
    await sleep(POLL_INTERVAL_MS);
  }
}
