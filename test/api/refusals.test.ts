import { afterEach, describe } from "vitest";
import { ORDER } from "../support/scenario.ts";
import { testCommonRefusals } from "../support/common-refusals.ts";
import { closeScene } from "../support/scene.ts";

afterEach(closeScene);

describe("POST /pay/create-order, common refusals", () => {
  testCommonRefusals({
    path: "/pay/create-order",
    required: ["platForm", "openId", "desc", "totalFree", "tag", "tradeType"],
    values: () => ORDER,
  });
});

describe("POST /pay/close-order, common refusals", () => {
  testCommonRefusals({
    path: "/pay/close-order",
    required: ["platForm", "order_id"],
    values: ({ id }) => ({ platForm: 1, order_id: id }),
  });
});

describe("POST /refund/refund-money, common refusals", () => {
  testCommonRefusals({
    path: "/refund/refund-money",
    required: ["platForm", "order_id"],
    values: ({ id }) => ({ platForm: 1, order_id: id }),
  });
});

describe("POST /order, common refusals", () => {
  testCommonRefusals({
    path: "/order",
    required: ["order_id"],
    values: ({ id }) => ({ order_id: id }),
  });
});
