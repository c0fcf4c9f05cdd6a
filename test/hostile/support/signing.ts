import { createHash } from "node:crypto";
import { signed, type Values } from "../../support/gateway.ts";
import { FORM, JSON_TYPE, post, type Sent } from "./case.ts";
import { methodOf, pathOf, type AppRoute, type RouteName } from "./routes.ts";
import type { Scene } from "./scene.ts";

/** The form of a request that the endpoint would grant, with some values changed; rightly signed. */
export function good(route: AppRoute, scene: Scene, values: Values = {}): URLSearchParams {
  return signed(scene.shop, { ...route.values(scene), ...values });
}

/** A form, to a route. */
export function formTo(name: RouteName, scene: Scene, form: URLSearchParams | string): Sent {
  return { path: pathOf(name, scene), init: post(form.toString(), FORM) };
}

/** A JSON text, to a route. */
export function jsonTo(name: RouteName, scene: Scene, json: object | string): Sent {
  const body = typeof json === "string" ? json : JSON.stringify(json);
  return { path: pathOf(name, scene), init: post(body, JSON_TYPE) };
}

/** The right form with another sign; null: with none. */
export function withSign(form: URLSearchParams, sign: string | null): URLSearchParams {
  const pairs = [...form].filter(([name]) => name !== "sign");
  return new URLSearchParams(sign === null ? pairs : [...pairs, ["sign", sign]]);
}

/** What an app signs, between the salts. */
export function unsigned(form: URLSearchParams): string {
  return withSign(form, null).toString();
}

export function sha1(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

/** A request to a route without a body, as its method wants it. */
export function bare(name: RouteName, scene: Scene): Sent {
  return { path: pathOf(name, scene), init: { method: methodOf(name) } };
}
