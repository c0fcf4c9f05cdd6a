import { adminAuthorization } from "./cases/admin-authorization.ts";
import { adminBodies, adminFields } from "./cases/admin-bodies.ts";
import { adminPaths, orderFilters } from "./cases/admin-paths.ts";
import { adminSettings } from "./cases/admin-settings.ts";
import { appBodies } from "./cases/app-bodies.ts";
import { appIntegers } from "./cases/app-integers.ts";
import { appOrders } from "./cases/app-orders.ts";
import { appSignatures } from "./cases/app-signatures.ts";
import { appTexts } from "./cases/app-texts.ts";
import { headers } from "./cases/headers.ts";
import { methods } from "./cases/methods.ts";
import { notificationPaths } from "./cases/notification-paths.ts";
import { paths } from "./cases/paths.ts";
import { random } from "./cases/random.ts";
import { v2Notifications } from "./cases/v2-notifications.ts";
import { v3Notifications } from "./cases/v3-notifications.ts";
import { xmlBodies } from "./cases/xml-bodies.ts";
import type { Cases } from "./support/case.ts";

/** All hostile requests, by theme. */
export const CORPUS: Readonly<Record<string, Cases>> = {
  "endpoints: unreadable bodies": appBodies,
  "endpoints: invalid signatures": appSignatures,
  "endpoints: invalid integers": appIntegers,
  "endpoints: texts with a meaning in another layer": appTexts,
  "endpoints: foreign orders and forbidden states": appOrders,
  "notifications: invalid XML": xmlBodies,
  "notifications: forged or contradicting APIv2 messages": v2Notifications,
  "notifications: forged or unreadable APIv3 messages": v3Notifications,
  "notifications: unknown merchants": notificationPaths,
  "back-office: missing or invalid tokens": adminAuthorization,
  "back-office: unreadable bodies": adminBodies,
  "back-office: fields of the wrong type": adminFields,
  "back-office: forbidden settings": adminSettings,
  "back-office: invalid ids and queries": adminPaths,
  "back-office: filters of the order list": orderFilters,
  "unknown paths": paths,
  "methods without a route": methods,
  "headers without an effect": headers,
  "random requests": random,
};
