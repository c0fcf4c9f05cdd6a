/** Runs `work` for each item, `batchSize` at a time. Returns the results in the items' order. */
export async function mapInBatches<T, R>(
  items: readonly T[],
  batchSize: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (let first = 0; first < items.length; first += batchSize) {
    results.push(...(await Promise.all(items.slice(first, first + batchSize).map(work))));
  }
  return results;
}
