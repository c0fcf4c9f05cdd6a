// Neither belongs to the business: they differ from call to call.
const PROTOCOL_PARAMS = new Set(["nonce_str", "sign", "sign_type"]);

/** The parameters that a repeat of the same call must carry unchanged. */
export function businessParams(params: ReadonlyMap<string, string>): Record<string, string> {
  return Object.fromEntries([...params].filter(([name]) => !PROTOCOL_PARAMS.has(name)));
}

/** Whether two sets of parameters are the same, in whatever order. */
export function sameParams(
  first: Readonly<Record<string, string>>,
  second: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(first);
  return (
    names.length === Object.keys(second).length &&
    names.every((name) => Object.hasOwn(second, name) && first[name] === second[name])
  );
}
