/** Imported keys by the object that has their text: kept as long as that object, in memory only. */
const imported = new WeakMap<object, CryptoKey>();

/**
 * Imports the key of `owner` when it is first used, and returns the same key after that. Importing
 * costs more than most signatures. `owner` must be immutable, and have this one key only; cached
 * settings are both, and a changed key comes with a new object.
 */
export async function importOnce(
  owner: object,
  importKey: () => Promise<CryptoKey>,
): Promise<CryptoKey> {
  const kept = imported.get(owner);
  if (kept !== undefined) return kept;
  // The promise isn't shared: the runtime may drop the request that it belongs to.
  const key = await importKey();
  imported.set(owner, key);
  return key;
}
