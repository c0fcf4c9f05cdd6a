import { afterEach, describe } from "vitest";
import { ORDER } from "../support/life.ts";
import { refusesWhatAllRefuse } from "../support/refusals.ts";
import { closeWorld } from "../support/world.ts";

afterEach(closeWorld);

describe("POST /pay/create-order", () => {
  refusesWhatAllRefuse({
    path: "/pay/create-order",
    required: ["platForm", "openId", "desc", "totalFree", "tag", "tradeType"],
    values: () => ORDER,
  });
});

describe("POST /refund/refund-money", () => {
  refusesWhatAllRefuse({
    path: "/refund/refund-money",
    required: ["platForm", "order_id"],
    values: ({ id }) => ({ platForm: 1, order_id: id }),
  });
});

describe("POST /order", () => {
  refusesWhatAllRefuse({
    path: "/order",
    required: ["order_id"],
    values: ({ id }) => ({ order_id: id }),
  });
});
