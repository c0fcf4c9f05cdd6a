import { parseArgs } from "node:util";
import { runLoad } from "./load/run.ts";
import { parseCount } from "./support/count.ts";

/**
 * `npm run bench:load [-- --orders 10000]`: orders from creation to refund through real Workers, all
 * verified at the end, compared with the floor (bench/README.md).
 */
const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "10000" },
    width: { type: "string", default: "8" },
  },
});

const orders = parseCount("--orders", values.orders);
const width = parseCount("--width", values.width);
process.exitCode = (await runLoad(orders, width)) ? 0 : 1;
