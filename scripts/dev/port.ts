import { parseArgs } from "node:util";

const MAX_PORT = 65_535;

/** The port of `--port N`, or the usual one. Throws on any other argument, and on any other value. */
export function parsePort(commandLine: readonly string[], usual: number): number {
  const { values } = parseArgs({
    args: [...commandLine],
    options: { port: { type: "string" } },
  });
  if (values.port === undefined) return usual;
  const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 0;
  if (port < 1 || port > MAX_PORT) {
    throw new Error(`--port ${values.port}: not a number from 1 to ${MAX_PORT}`);
  }
  return port;
}
