import { vi } from "vitest";

/**
 * Where every test's clock stands at first: so far ahead that no alarm of the platform, whose clock
 * is the real one, ever goes off by itself. Tests run alarms when they want them.
 */
export const START = Date.UTC(2040, 0, 1);

/** Stops the clock of routes and objects at `START`. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
}

/** Moves the stopped clock ahead. */
export function advance(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

/** A promise that a test resolves when it wants what waits for it to go on. */
export interface Gate {
  readonly passed: Promise<void>;
  readonly release: () => void;
}

/** A closed gate. */
export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, release: resolve };
}
