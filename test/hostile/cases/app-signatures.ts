import { createHash, createHmac } from "node:crypto";
import { signed } from "../../support/gateway.ts";
import { type Case, type Sent, type Theme, toEach } from "../support/case.ts";
import { GIVEN } from "../support/given.ts";
import { routesOf, type AppRoute, type RouteName } from "../support/routes.ts";
import type { Scene } from "../support/scene.ts";
import { formTo, good, jsonTo, sha1, unsigned, withSign } from "../support/signing.ts";

/** Published with the signing rule: anyone can sign with it. */
const PUBLISHED_SALT = "992a7f0b35d90fa9d45fe7a669414fbb";

/** A sign of the same request that is not the right one. */
type WrongSign = (text: string, salt: string, scene: Scene) => string | null;

const WRONG: Readonly<Record<string, WrongSign>> = {
  missing: () => null,
  empty: () => "",
  "of zeroes": () => "0".repeat(40),
  "of nobody": () => GIVEN.sign,
  "cut short": (text, salt) => sha1(salt + text + salt).slice(0, 39),
  "with a digit more": (text, salt) => `${sha1(salt + text + salt)}0`,
  "with a blank before it": (text, salt) => ` ${sha1(salt + text + salt)}`,
  "with a line's end after it": (text, salt) => `${sha1(salt + text + salt)}\n`,
  "with NUL after it": (text, salt) => `${sha1(salt + text + salt)}\u0000`,
  "in digits of another width": (text, salt) =>
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
    const loud = salt.toUpperCase();
    return sha1(loud + text + loud);
  },
  "with the salt in quotes": (text, salt) => sha1(`"${salt}"${text}"${salt}"`),
  "over the names in another order": (text, salt) =>
    sha1(salt + text.split("&").toReversed().join("&") + salt),
  "over an empty sign too": (text, salt) => sha1(`${salt}${text}&sign=${salt}`),
  "over the text in upper case": (text, salt) => sha1(salt + text.toUpperCase() + salt),
  "over the text escaped twice": (text, salt) => sha1(salt + encodeURIComponent(text) + salt),
  "over nothing": (_text, salt) => sha1(salt + salt),
  "with the published salt": (text) => sha1(PUBLISHED_SALT + text + PUBLISHED_SALT),
  "with an empty salt's name": (text) => sha1(`null${text}null`),
  "with the salt dropped by a rotation": (text, _salt, { salts }) =>
    sha1(salts.dropped + text + salts.dropped),
  "with another app's salt": (text, _salt, { stranger }) =>
    sha1(stranger.salt + text + stranger.salt),
  "with a sibling app's salt": (text, _salt, { sibling }) =>
    sha1(sibling.salt + text + sibling.salt),
  "with the webhook secret": (text, _salt, { shop }) =>
    sha1(shop.webhookSecret + text + shop.webhookSecret),
  "with the merchant's key": (text, _salt, { shop }) => sha1(shop.apiKey + text + shop.apiKey),
  "of SQL": () => "' or '1'='1' -- 0000000000000000000000000",
  "that is a word": () => "undefined",
};

/** A request whose signature is right for something else. */
type Forgery = (name: RouteName, route: AppRoute, scene: Scene) => Sent;

const FORGERIES: Readonly<Record<string, Forgery>> = {
  "a parameter added": (name, route, scene) =>
    formTo(name, scene, `${good(route, scene).toString()}&extra=1`),
  "an empty parameter added": (name, route, scene) =>
    formTo(name, scene, `${good(route, scene).toString()}&attach=`),
  "a parameter taken away": (name, route, scene) => {
    const form = good(route, scene, { extra: 1 });
    form.delete("extra");
    return formTo(name, scene, form);
  },
  "a name in another case": (name, route, scene) =>
    formTo(name, scene, good(route, scene, { extra: 1 }).toString().replace("extra", "Extra")),
  "another app's id": (name, route, scene) => {
    const form = good(route, scene);
    form.set("appId", String(scene.sibling.appId));
    return formTo(name, scene, form);
  },
  "an app id that nobody has": (name, route, scene) => {
    const nobody = { appId: 999_999, salt: scene.shop.salt };
    return formTo(name, scene, signed(nobody, route.values(scene)));
  },
  "the salt of an app that has run out": (name, route, scene) => {
    const { sibling, salts } = scene;
    return formTo(name, scene, signed({ ...sibling, salt: salts.expired }, route.values(scene)));
  },
  "a disabled app, rightly signed": (name, route, scene) =>
    formTo(name, scene, signed(scene.disabled, route.values(scene))),
  "raw text with an ampersand that could be two parameters": (name, route, scene) => {
    const { salt } = scene.shop;
    const raw = `${unsigned(good(route, scene))}&z=1&zz=2`;
    const form = good(route, scene, { z: "1&zz=2" });
    return formTo(name, scene, withSign(form, sha1(salt + raw + salt)));
  },
  "raw text with a plus that could be a blank": (name, route, scene) => {
    const { salt } = scene.shop;
    const raw = `${unsigned(good(route, scene))}&z=a+b`;
    const form = good(route, scene, { z: "a+b" });
    return formTo(name, scene, withSign(form, sha1(salt + raw + salt)));
  },
  "raw text with an escape that could be a letter": (name, route, scene) => {
    const { salt } = scene.shop;
    const raw = `${unsigned(good(route, scene))}&z=%61`;
    const form = good(route, scene, { z: "%61" });
    return formTo(name, scene, withSign(form, sha1(salt + raw + salt)));
  },
  "two parameters for a signed one with an escaped ampersand": (name, route, scene) =>
    formTo(
      name,
      scene,
      good(route, scene, { z: "1&zz=2" }).toString().replace("1%26zz%3D2", "1&zz=2"),
    ),
  "a blank for a signed plus": (name, route, scene) =>
    formTo(name, scene, good(route, scene, { z: "a+b" }).toString().replace("a%2Bb", "a+b")),
  "an escape for a signed letter's escape": (name, route, scene) =>
    formTo(name, scene, good(route, scene, { z: "%61" }).toString().replace("%2561", "%61")),
  "escapes in small letters, signed so": (name, route, scene) => {
    const { salt } = scene.shop;
    const form = good(route, scene, { z: "中" });
    const text = unsigned(form).replace("%E4%B8%AD", "%e4%b8%ad");
    return formTo(name, scene, withSign(form, sha1(salt + text + salt)));
  },
  "another Unicode form of the signed text": (name, route, scene) =>
    formTo(
      name,
      scene,
      good(route, scene, { z: "\u00e9" }).toString().replace("%C3%A9", "e%CC%81"),
    ),
  "a JSON number that reads as the signed one": (name, route, scene) => {
    const form = Object.fromEntries(good(route, scene, { z: 100 }));
    return jsonTo(name, scene, JSON.stringify(form).replace('"z":"100"', '"z":1e2'));
  },
  "a JSON number with a fraction of nothing": (name, route, scene) => {
    const form = Object.fromEntries(good(route, scene, { z: 1 }));
    return jsonTo(name, scene, JSON.stringify(form).replace('"z":"1"', '"z":1.0'));
  },
  "a JSON null for a signed empty text": (name, route, scene) => {
    const form = Object.fromEntries(good(route, scene, { z: "" }));
    return jsonTo(name, scene, JSON.stringify(form).replace('"z":""', '"z":null'));
  },
  "a sign that is a JSON number": (name, route, scene) => {
    const form = Object.fromEntries(withSign(good(route, scene), "S"));
    return jsonTo(name, scene, JSON.stringify(form).replace('"S"', "1".repeat(40)));
  },
  "the parameters in the query instead of the body": (name, route, scene) => {
    const form = good(route, scene).toString();
    const { path, init } = formTo(name, scene, "");
    return { path: `${path}?${form}`, init };
  },
};

/** Odd, but rightly signed: granted. */
const GRANTED: Readonly<Record<string, Forgery>> = {
  "a sign in upper case": (name, route, scene) => {
    const form = good(route, scene);
    return formTo(name, scene, withSign(form, (form.get("sign") ?? "").toUpperCase()));
  },
  "the salt before the last rotation, not run out": (name, route, scene) => {
    const shop = { ...scene.shop, salt: scene.salts.fading };
    return formTo(name, scene, signed(shop, route.values(scene)));
  },
  "unknown parameters named like prototypes": (name, route, scene) =>
    formTo(name, scene, good(route, scene, { ["__proto__"]: 1, constructor: 1, toString: 1 })),
  "a second set of parameters in the query": (name, route, scene) => {
    const { path, init } = formTo(name, scene, good(route, scene));
    return { path: `${path}?appId=2&order_id=999&totalFree=1&sign=x`, init };
  },
  "exactly 64 KB": (name, route, scene) => {
    const length = good(route, scene, { z: "" }).toString().length;
    return formTo(name, scene, good(route, scene, { z: "z".repeat(65_536 - length) }));
  },
  "64 parameters": (name, route, scene) => {
    const count = 64 - [...good(route, scene)].length;
    const rest = Array.from({ length: count }, (_, at) => [`z${at}`, at] as const);
    return formTo(name, scene, good(route, scene, Object.fromEntries(rest)));
  },
};

export const appSignatures: Theme = toEach(routesOf("app"), ([route, about]) => [
  ...Object.entries(WRONG).map(([name, wrong]): Case => ({
    name: `a sign ${name}`,
    route,
    answer: "app 501",
    about: /sign/,
    request: (scene) => {
      const form = good(about, scene);
      return formTo(route, scene, withSign(form, wrong(unsigned(form), scene.shop.salt, scene)));
    },
  })),
  ...Object.entries(FORGERIES).map(([name, forge]): Case => ({
    name,
    route,
    answer: "app 501",
    request: (scene) => forge(route, about, scene),
  })),
  ...Object.entries(GRANTED).map(([name, make]): Case => ({
    name: `granted: ${name}`,
    route,
    answer: "app 0",
    may: about.writes ? "rows" : "calls",
    request: (scene) => make(route, about, scene),
  })),
]);
