import { vi } from "vitest";

/**
 * The time at which every test starts. It lies so far ahead that the platform, which uses the real
 * clock, never runs an alarm itself: tests run the alarms.
 */
export const START = Date.UTC(2040, 0, 1);

/** Stops the clock of routes and objects at `START`. */
export function stopClock(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
}

/** Moves the stopped clock ahead by `ms`. */
export function advance(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

/** Holds a call until the test releases it. */
export interface Gate {
  readonly opened: Promise<void>;
  readonly release: () => void;
}

/** A closed gate. */
export function gate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { opened: promise, release: resolve };
}
