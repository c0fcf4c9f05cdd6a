/** The business parameters of a call, flattened, which a repeat of the call must not change. */
export type Params = Readonly<Record<string, string>>;

/** Whether two sets of parameters are equal, in any order. */
export function sameParams(first: Params, second: Params): boolean {
  const names = Object.keys(first);
  return (
    names.length === Object.keys(second).length &&
    names.every((name) => Object.hasOwn(second, name) && first[name] === second[name])
  );
}
