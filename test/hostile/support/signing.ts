import { createHash } from "node:crypto";
import { signed, type Values } from "../../support/gateway.ts";
import { FORM, JSON_TYPE, post, type OutgoingRequest } from "./case.ts";
import { pathOf, type AppRoute, type RouteName } from "./routes.ts";
import type { Target } from "./target.ts";

/** The form of a request that the endpoint accepts, with some values replaced; validly signed. */
export function validForm(route: AppRoute, target: Target, values: Values = {}): URLSearchParams {
  return signed(target.shop, { ...route.values(target), ...values });
}

/** A request with a form. */
export function formTo(
  name: RouteName,
  target: Target,
  form: URLSearchParams | string,
): OutgoingRequest {
  return { path: pathOf(name, target), init: post(form.toString(), FORM) };
}

/** A request with JSON. */
export function jsonTo(name: RouteName, target: Target, json: object | string): OutgoingRequest {
  const body = typeof json === "string" ? json : JSON.stringify(json);
  return { path: pathOf(name, target), init: post(body, JSON_TYPE) };
}

/** The form with its sign replaced; null: without a sign. */
export function withSign(form: URLSearchParams, sign: string | null): URLSearchParams {
  const pairs = [...form].filter(([name]) => name !== "sign");
  return new URLSearchParams(sign === null ? pairs : [...pairs, ["sign", sign]]);
}

/** The text between the salts, which an app signs. */
export function textToSign(form: URLSearchParams): string {
  return withSign(form, null).toString();
}

export function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}
