import { parseArgs } from "node:util";
import { runCpu } from "./cpu/run.ts";
import { parseCount } from "./support/count.ts";

/**
 * `npm run bench:cpu [-- --requests 200]`: what a stranger's worst inputs cost the Worker, beside
 * genuine requests (bench/README.md).
 */
const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "200" },
    only: { type: "string", default: "" },
  },
});

process.exitCode = (await runCpu(parseCount("--requests", values.requests), values.only)) ? 0 : 1;
