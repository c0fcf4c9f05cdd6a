type Line = Readonly<Record<string, unknown>>;

/** The logged lines that say all of this, parsed, in order. */
export function linesOf(logged: readonly string[], facts: Line): Line[] {
  return logged
    .map((line): Line => JSON.parse(line))
    .filter((line) => Object.entries(facts).every(([name, value]) => line[name] === value));
}
