import { vi } from "vitest";

/**
 * Watches the timers that are set from now on, until `closeScene`. Returns the delays, in ms, of those
 * that have neither ended nor been cleared. The test and the objects share one isolate, so the
 * objects' timers are among them.
 */
export function watchTimers(): () => number[] {
  const pending = new Map<unknown, number>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((work: () => void, ms = 0) => {
    const id = set(() => {
      pending.delete(id);
      work();
    }, ms);
    pending.set(id, ms);
    return id;
  });
  vi.spyOn(globalThis, "clearTimeout").mockImplementation((id) => {
    pending.delete(id);
    clear(id);
  });
  // It can't be cleared, so each use would be pending until its end.
  vi.spyOn(AbortSignal, "timeout").mockImplementation((ms) => {
    pending.set(Symbol("AbortSignal.timeout"), ms);
    return new AbortController().signal;
  });
  return () => [...pending.values()];
}

/**
 * Timers of `ms` end after 10 ms, until `closeScene`; all others keep their delay. Returns how many
 * were set.
 */
export function shortenTimers(ms: number): () => number {
  const set = globalThis.setTimeout;
  let count = 0;
  vi.spyOn(globalThis, "setTimeout").mockImplementation((work: () => void, delay = 0) => {
    if (delay === ms) count += 1;
    return set(work, delay === ms ? 10 : delay);
  });
  return () => count;
}
