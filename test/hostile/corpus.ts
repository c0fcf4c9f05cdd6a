import { adminAuthorization } from "./cases/admin-authorization.ts";
import { adminBodies, adminFields } from "./cases/admin-bodies.ts";
import { adminPaths, orderFilters } from "./cases/admin-paths.ts";
import { adminSettings } from "./cases/admin-settings.ts";
import { appBodies } from "./cases/app-bodies.ts";
import { appNumbers } from "./cases/app-numbers.ts";
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
import type { Theme } from "./support/case.ts";

/** All hostile requests, by theme. */
export const CORPUS: Readonly<Record<string, Theme>> = {
  "bodies that no endpoint reads": appBodies,
  "signatures that aren't the app's": appSignatures,
  "numbers that are none": appNumbers,
  "texts that some layer might take for more": appTexts,
  "orders of others, and states that forbid": appOrders,
  "XML that is no message of WeChat's": xmlBodies,
  "APIv2 notifications that aren't WeChat's word": v2Notifications,
  "APIv3 notifications that aren't WeChat's word": v3Notifications,
  "notifications to merchants that aren't there": notificationPaths,
  "strangers at the back-office": adminAuthorization,
  "bodies that the back-office doesn't take": adminBodies,
  "values of another kind than a field's": adminFields,
  "settings that nobody may make": adminSettings,
  "ids and questions of the back-office": adminPaths,
  "filters of the list of orders": orderFilters,
  "paths that are none": paths,
  "methods that a path doesn't take": methods,
  "headers that nothing goes by": headers,
  "requests made by chance": random,
};
