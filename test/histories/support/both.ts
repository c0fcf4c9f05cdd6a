/** The gateway as it is deployed, and the sandbox's one object beside it. */
export { default, OrderObject, ReconciliationObject } from "../../../src/index.ts";
export { Ledger } from "../../../sandbox/src/ledger.ts";
