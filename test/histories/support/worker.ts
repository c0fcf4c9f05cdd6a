/** The gateway as it is deployed, together with the sandbox's Durable Object. */
export {
  default,
  OrderObject,
  QueryLimitObject,
  ReconciliationObject,
} from "../../../src/index.ts";
export { Ledger } from "../../../sandbox/src/ledger.ts";
