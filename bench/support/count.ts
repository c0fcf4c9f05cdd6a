/** A command-line value as a positive integer. Throws otherwise: a bench of nothing proves nothing. */
export function parseCount(name: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} ${text}: not a positive integer`);
  return Number(text);
}
