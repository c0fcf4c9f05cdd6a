import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 50;

/**
 * Waits until `probe` finds something. The deadline is a safety net for what never happens, not a
 * statement about speed: it is generous, and passing it is an error that says what was awaited.
 */
export async function eventually<T>(
  awaited: string,
  probe: () => Promise<T | undefined> | T | undefined,
  deadlineMs = 30_000,
): Promise<T> {
  const endAt = Date.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (Date.now() > endAt) throw new Error(`${awaited}: not within ${deadlineMs / 1000} s`);
    await sleep(PAUSE_MS);
  }
}
