/** Durations of calls of several kinds. */
export class Latencies<Kind extends string> {
  readonly #samples = new Map<Kind, number[]>();

  add(kind: Kind, ms: number): void {
    const samples = this.#samples.get(kind);
    if (samples === undefined) this.#samples.set(kind, [ms]);
    else samples.push(ms);
  }

  count(kind: Kind): number {
    return this.#samples.get(kind)?.length ?? 0;
  }

  /** The duration that `share` (0 to 1) of the calls don't exceed, in ms; NaN without calls. */
  percentile(kind: Kind, share: number): number {
    const samples = (this.#samples.get(kind) ?? []).toSorted((left, right) => left - right);
    return samples[Math.max(0, Math.ceil(samples.length * share) - 1)] ?? Number.NaN;
  }
}
