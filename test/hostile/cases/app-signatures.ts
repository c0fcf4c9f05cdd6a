import { createHash, createHmac } from "node:crypto";
import { signed } from "../../support/gateway.ts";
import { type Case, type OutgoingRequest, type Cases, casesFor } from "../support/case.ts";
import { CANARIES } from "../support/canaries.ts";
import { routesOf, type AppRoute, type RouteName } from "../support/routes.ts";
import type { Target } from "../support/target.ts";
import { formTo, validForm, jsonTo, sha1, textToSign, withSign } from "../support/signing.ts";

/** The salt published with the signing rule: anyone can sign with it. */
const PUBLISHED_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

/** Computes an invalid sign of a request. */
type WrongSign = (text: string, salt: string, target: Target) => string | null;

const INVALID_SIGNS: Readonly<Record<string, WrongSign>> = {
  "that is missing": () => null,
  "that is empty": () => "",
  "of zeroes": () => "0".repeat(40),
  "of another text": () => CANARIES.sign,
  "without its last digit": (text, salt) => sha1(salt + text + salt).slice(0, 39),
  "with an extra digit": (text, salt) => `${sha1(salt + text + salt)}0`,
  "with a leading space": (text, salt) => ` ${sha1(salt + text + salt)}`,
  "with a trailing line break": (text, salt) => `${sha1(salt + text + salt)}\n`,
  "with a trailing NUL": (text, salt) => `${sha1(salt + text + salt)}\u0000`,
  "in full-width digits": (text, salt) =>
    sha1(salt + text + salt).replaceAll(/\d/g, (digit) =>
      String.fromCodePoint(0xff10 + Number(digit)),
    ),
  "in base64": (text, salt) =>
    createHash("sha1")
      .update(salt + text + salt)
      .digest("base64"),
  "by MD5": (text, salt) =>
    createHash("md5")
      .update(salt + text + salt)
      .digest("hex"),
  "by SHA-256": (text, salt) =>
    createHash("sha256")
      .update(salt + text + salt)
      .digest("hex"),
  "by HMAC": (text, salt) => createHmac("sha1", salt).update(text).digest("hex"),
  "without the salt before": (text, salt) => sha1(text + salt),
  "without the salt after": (text, salt) => sha1(salt + text),
  "without any salt": (text) => sha1(text),
  "with the salt in upper case": (text, salt) => {
    const upper = salt.toUpperCase();
    return sha1(upper + text + upper);
  },
  "with the salt in quotes": (text, salt) => sha1(`"${salt}"${text}"${salt}"`),
  "over the names in another order": (text, salt) =>
    sha1(salt + text.split("&").toReversed().join("&") + salt),
  "over an empty sign too": (text, salt) => sha1(`${salt}${text}&sign=${salt}`),
  "over the text in upper case": (text, salt) => sha1(salt + text.toUpperCase() + salt),
  "over the text escaped once more": (text, salt) => sha1(salt + encodeURIComponent(text) + salt),
  "over an empty text": (_text, salt) => sha1(salt + salt),
  "with the published salt": (text) => sha1(PUBLISHED_SALT + text + PUBLISHED_SALT),
  "with null as the salt": (text) => sha1(`null${text}null`),
  "with the salt dropped by a rotation": (text, _salt, { salts }) =>
    sha1(salts.dropped + text + salts.dropped),
  "with another app's salt": (text, _salt, { unrelated }) =>
    sha1(unrelated.salt + text + unrelated.salt),
  "with a sibling app's salt": (text, _salt, { sibling }) =>
    sha1(sibling.salt + text + sibling.salt),
  "with the webhook secret": (text, _salt, { shop }) =>
    sha1(shop.webhookSecret + text + shop.webhookSecret),
  "with the merchant's key": (text, _salt, { shop }) => sha1(shop.apiKey + text + shop.apiKey),
  "that is SQL": () => "' or '1'='1' -- 0000000000000000000000000",
  "that is a word": () => "undefined",
};

/** Makes a request whose sign is valid for other parameters or for another app. */
type Forgery = (name: RouteName, route: AppRoute, target: Target) => OutgoingRequest;

const FORGERIES: Readonly<Record<string, Forgery>> = {
  "a parameter added": (name, route, target) =>
    formTo(name, target, `${validForm(route, target).toString()}&extra=1`),
  "an empty parameter added": (name, route, target) =>
    formTo(name, target, `${validForm(route, target).toString()}&attach=`),
  "a parameter removed": (name, route, target) => {
    const form = validForm(route, target, { extra: 1 });
    form.delete("extra");
    return formTo(name, target, form);
  },
  "a name in another case": (name, route, target) =>
    formTo(
      name,
      target,
      validForm(route, target, { extra: 1 }).toString().replace("extra", "Extra"),
    ),
  "another app's id": (name, route, target) => {
    const form = validForm(route, target);
    form.set("appId", String(target.sibling.appId));
    return formTo(name, target, form);
  },
  "an unknown appId": (name, route, target) => {
    const unknownApp = { appId: 999_999, salt: target.shop.salt };
    return formTo(name, target, signed(unknownApp, route.values(target)));
  },
  "an expired salt": (name, route, target) => {
    const { sibling, salts } = target;
    return formTo(name, target, signed({ ...sibling, salt: salts.expired }, route.values(target)));
  },
  "a disabled app with a valid sign": (name, route, target) =>
    formTo(name, target, signed(target.disabled, route.values(target))),
  "raw text whose ampersand could separate two parameters": (name, route, target) => {
    const { salt } = target.shop;
    const raw = `${textToSign(validForm(route, target))}&z=1&zz=2`;
    const form = validForm(route, target, { z: "1&zz=2" });
    return formTo(name, target, withSign(form, sha1(salt + raw + salt)));
  },
  "raw text whose plus could be a space": (name, route, target) => {
    const { salt } = target.shop;
    const raw = `${textToSign(validForm(route, target))}&z=a+b`;
    const form = validForm(route, target, { z: "a+b" });
    return formTo(name, target, withSign(form, sha1(salt + raw + salt)));
  },
  "raw text whose escape could be a letter": (name, route, target) => {
    const { salt } = target.shop;
    const raw = `${textToSign(validForm(route, target))}&z=%61`;
    const form = validForm(route, target, { z: "%61" });
    return formTo(name, target, withSign(form, sha1(salt + raw + salt)));
  },
  "two parameters instead of a signed one with an escaped ampersand": (name, route, target) =>
    formTo(
      name,
      target,
      validForm(route, target, { z: "1&zz=2" }).toString().replace("1%26zz%3D2", "1&zz=2"),
    ),
  "a space instead of a signed plus": (name, route, target) =>
    formTo(name, target, validForm(route, target, { z: "a+b" }).toString().replace("a%2Bb", "a+b")),
  "an escape instead of a signed escaped percent sign": (name, route, target) =>
    formTo(name, target, validForm(route, target, { z: "%61" }).toString().replace("%2561", "%61")),
  "escapes in mixed case, signed so": (name, route, target) => {
    const { salt } = target.shop;
    const form = validForm(route, target, { z: "中" });
    const text = textToSign(form).replace("%E4%B8%AD", "%E4%b8%aD");
    return formTo(name, target, withSign(form, sha1(salt + text + salt)));
  },
  "another Unicode form of the signed text": (name, route, target) =>
    formTo(
      name,
      target,
      validForm(route, target, { z: "\u00e9" }).toString().replace("%C3%A9", "e%CC%81"),
    ),
  "a JSON number that reads as the signed one": (name, route, target) => {
    const form = Object.fromEntries(validForm(route, target, { z: 100 }));
    return jsonTo(name, target, JSON.stringify(form).replace('"z":"100"', '"z":1e2'));
  },
  "a JSON number with a zero fraction": (name, route, target) => {
    const form = Object.fromEntries(validForm(route, target, { z: 1 }));
    return jsonTo(name, target, JSON.stringify(form).replace('"z":"1"', '"z":1.0'));
  },
  "JSON null instead of a signed empty text": (name, route, target) => {
    const form = Object.fromEntries(validForm(route, target, { z: "" }));
    return jsonTo(name, target, JSON.stringify(form).replace('"z":""', '"z":null'));
  },
  "a sign that is a JSON number": (name, route, target) => {
    const form = Object.fromEntries(withSign(validForm(route, target), "S"));
    return jsonTo(name, target, JSON.stringify(form).replace('"S"', "1".repeat(40)));
  },
  "the parameters in the query instead of the body": (name, route, target) => {
    const form = validForm(route, target).toString();
    const { path, init } = formTo(name, target, "");
    return { path: `${path}?${form}`, init };
  },
};

/** Unusual but validly signed requests: accepted. */
const ACCEPTED: Readonly<Record<string, Forgery>> = {
  "a sign in upper case": (name, route, target) => {
    const form = validForm(route, target);
    return formTo(name, target, withSign(form, (form.get("sign") ?? "").toUpperCase()));
  },
  "the previous salt before it expires": (name, route, target) => {
    const shop = { ...target.shop, salt: target.salts.expiring };
    return formTo(name, target, signed(shop, route.values(target)));
  },
  "unknown parameters named like prototypes": (name, route, target) =>
    formTo(
      name,
      target,
      validForm(route, target, { ["__proto__"]: 1, constructor: 1, toString: 1 }),
    ),
  "a second set of parameters in the query": (name, route, target) => {
    const { path, init } = formTo(name, target, validForm(route, target));
    return { path: `${path}?appId=2&order_id=999&totalFree=1&sign=x`, init };
  },
  "exactly 16 KB": (name, route, target) => {
    const length = validForm(route, target, { z: "" }).toString().length;
    return formTo(name, target, validForm(route, target, { z: "z".repeat(16_384 - length) }));
  },
  "64 parameters": (name, route, target) => {
    const count = 64 - [...validForm(route, target)].length;
    const rest = Array.from({ length: count }, (_, at) => [`z${at}`, at] as const);
    return formTo(name, target, validForm(route, target, Object.fromEntries(rest)));
  },
};

export const appSignatures: Cases = casesFor(routesOf("app"), ([route, definition]) => [
  ...Object.entries(INVALID_SIGNS).map(([name, invalidSign]): Case => ({
    name: `a sign ${name}`,
    route,
    answer: "app 501",
    textPattern: /sign/,
    request: (target) => {
      const form = validForm(definition, target);
      return formTo(
        route,
        target,
        withSign(form, invalidSign(textToSign(form), target.shop.salt, target)),
      );
    },
  })),
  ...Object.entries(FORGERIES).map(([name, forge]): Case => ({
    name,
    route,
    answer: "app 501",
    request: (target) => forge(route, definition, target),
  })),
  ...Object.entries(ACCEPTED).map(([name, make]): Case => ({
    name: `accepted: ${name}`,
    route,
    answer: "app 0",
    allows: definition.writes ? "rows" : "calls",
    request: (target) => make(route, definition, target),
  })),
]);
