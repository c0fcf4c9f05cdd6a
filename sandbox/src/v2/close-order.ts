import type { Books } from "../ledger/books.ts";
import { closeOrder as close } from "../rules/close-order.ts";
import { done, type Answer } from "./answers.ts";
import { orderOf } from "./find-order.ts";
import { REFUSALS } from "./refusals.ts";
import type { ApiRequest } from "./request.ts";

/** POST /pay/closeorder. WeChat docs: closeorder. */
export function closeOrder(books: Books, request: ApiRequest): Answer {
  const found = orderOf(books, request);
  if (!found.ok) return found.answer;
  const ruling = close(books, found.order);
  return ruling.ok ? done([["result_msg", "OK"]]) : REFUSALS[ruling.refusal];
}
