/**
 * Runs `work` with a signal that aborts after `ms`, and stops the clock as soon as the work has ended.
 * `AbortSignal.timeout` has no way to stop it, and a pending timer keeps a Durable Object in memory,
 * which is billed. The signal's reason is a `TimeoutError`, as there. Whether the work heeds the
 * signal is its own affair: nothing is thrown here.
 */
export async function withTimeLimit<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(new DOMException(`nothing arrived within ${ms} ms`, "TimeoutError")),
    ms,
  );
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
