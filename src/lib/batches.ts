/** Does `work` for each item, `atOnce` side by side. Returns what came of them, in their order. */
export async function mapInBatches<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const done: R[] = [];
  for (let first = 0; first < items.length; first += atOnce) {
    done.push(...(await Promise.all(items.slice(first, first + atOnce).map(work))));
  }
  return done;
}
