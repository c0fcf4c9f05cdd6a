import { parseArgs } from "node:util";
import { runLoad } from "./load/run.ts";

/**
 * `npm run bench:load [-- --orders 10000]`: lives of orders over real Workers, each verified at the
 * end, beside the floor (bench/README.md).
 */
const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "10000" },
    width: { type: "string", default: "8" },
  },
});

process.exitCode = (await runLoad(Number(values.orders), Number(values.width))) ? 0 : 1;
