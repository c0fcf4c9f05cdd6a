/** Ends an exhaustive switch: the type checker proves that it is never reached. */
export function impossible(value: never): never {
  throw new Error(`not a known case: ${JSON.stringify(value)}`);
}
