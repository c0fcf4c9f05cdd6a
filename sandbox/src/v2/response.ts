import { newNonce } from "../protocol/ids.ts";
import type { WireResponse } from "../wire/response.ts";
import type { AuthenticatedCall } from "./call.ts";
import { sign, type SignType } from "./sign.ts";
import { writeXml, type Field } from "./xml.ts";

/** The response to a call: `success` has return_code and result_code SUCCESS and is signed. */
export type ApiResponse = { readonly kind: "success"; readonly fields: readonly Field[] } | Failure;

/** A response without success, with a code and a text. */
export type Failure = BusinessFailure | CommunicationFailure;

/** A failure with result_code FAIL and an err_code; signed. */
export interface BusinessFailure {
  readonly kind: "business-failure";
  readonly code: string;
  readonly message: string;
}

/**
 * A failure with return_code FAIL: only a text, and no sign. `code` is not sent; it appears in the
 * sandbox's call log.
 */
export interface CommunicationFailure {
  readonly kind: "communication-failure";
  readonly code: string;
  readonly message: string;
}

/** The identity in a signed response, and the key that signs it. */
export interface Signer {
  readonly appId: string;
  readonly mchId: string;
  readonly apiKey: string;
  readonly signType: SignType;
}

/** The headers of every XML response. */
export const XML_HEADERS = { "content-type": "text/xml; charset=utf-8" };

/** A signed response with result_code SUCCESS. */
export function success(fields: readonly Field[]): ApiResponse {
  return { kind: "success", fields };
}

/** A signed response with result_code FAIL. */
export function businessFailure(code: string, message: string): BusinessFailure {
  return { kind: "business-failure", code, message };
}

/** An unsigned response with return_code FAIL. */
export function communicationFailure(code: string, message: string): CommunicationFailure {
  return { kind: "communication-failure", code, message };
}

/** The response as XML, signed with the sign type of the call. `changes` replaces the identity. */
export function responseXml(
  response: ApiResponse,
  { params, merchant, signType }: AuthenticatedCall,
  changes: Partial<Signer> = {},
): string {
  const signer = {
    appId: params.get("appid") ?? "",
    mchId: merchant.mchId,
    apiKey: merchant.apiKey,
    signType,
    ...changes,
  };
  switch (response.kind) {
    case "communication-failure":
      return communicationFailureXml(response);
    case "business-failure":
      return signedXml(signer, "FAIL", [
        ["err_code", response.code],
        ["err_code_des", response.message],
      ]);
    case "success":
      return signedXml(signer, "SUCCESS", response.fields);
  }
}

/** The XML of a return_code FAIL. */
export function communicationFailureXml({ message }: CommunicationFailure): string {
  return writeXml([
    ["return_code", "FAIL"],
    ["return_msg", message],
  ]);
}

/** Sends XML with status 200, which APIv2 uses for failures too. */
export function xmlResponse(xml: string, delayMs = 0): WireResponse {
  return { effect: "respond", status: 200, headers: XML_HEADERS, body: xml, delayMs };
}

/** The outcome of a call for the call log. */
export function describeResponse(response: ApiResponse): string {
  switch (response.kind) {
    case "success":
      return "SUCCESS";
    case "business-failure":
      return `${response.code}: ${response.message}`;
    case "communication-failure":
      return `FAIL ${response.code}: ${response.message}`;
  }
}

function signedXml(signer: Signer, resultCode: string, fields: readonly Field[]): string {
  const all: readonly Field[] = [
    ["return_code", "SUCCESS"],
    ["return_msg", "OK"],
    ["result_code", resultCode],
    ["appid", signer.appId],
    ["mch_id", signer.mchId],
    ["nonce_str", newNonce()],
    ...fields,
  ];
  return writeXml([...all, ["sign", sign(all, signer.apiKey, signer.signType)]]);
}
