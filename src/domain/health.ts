/** The schedule runs every ten minutes; after this long without a run it is broken. In ms. */
const MAX_SILENCE_MS = 3600_000;

/**
 * Whether the schedule has stopped. Before its first run it hasn't: a fresh deployment is well.
 * @param scheduledAt when it ran last
 */
export function hasStopped(scheduledAt: number | null, nowAt: number): boolean {
  return scheduledAt !== null && nowAt - scheduledAt > MAX_SILENCE_MS;
}
