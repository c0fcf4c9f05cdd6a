import { CONTRACT_TEXTS, detailOf, type ContractCode, type Refusal } from "./refusal.ts";

/** The body of a successful response. */
export interface Success<Data> {
  readonly code: 0;
  readonly errmsg: null;
  readonly data: Data;
}

/** The body of a refusal. */
export interface Failure {
  readonly code: ContractCode;
  readonly errmsg: string;
  readonly data: null;
}

/** Contract: the envelope of a successful response. */
export function success<Data>(data: Data): Success<Data> {
  return { code: 0, errmsg: null, data };
}

/** Contract: the envelope of a refusal; `errmsg` begins with the contract's text for the code. */
export function failure(refusal: Refusal): Failure {
  return {
    code: refusal.code,
    errmsg: `${CONTRACT_TEXTS[refusal.code]}：${detailOf(refusal)}`,
    data: null,
  };
}
