import type { Parameters } from "./parameter-set.ts";

/** How a library encodes the values of a query string. Letters, digits and `-_.` stay unescaped. */
interface Rendering {
  /** Libraries that encode this way. */
  readonly by: string;
  readonly space: "+" | "%20";
  /**
   * Which ASCII characters stay unescaped; everything else becomes `%XX` of its UTF-8 bytes. Never `&`,
   * `%` or `+`, which would stand for something else. `=` is safe in a value: no name holds one.
   */
  readonly bare: string;
}

/** The case of `%XX`. Most libraries write upper case; .NET's HttpUtility.UrlEncode writes lower. */
const HEX_CASES = ["upper", "lower"] as const;
type HexCase = (typeof HEX_CASES)[number];

/** PHP's `http_build_query` by default; also the gateway's own rendering. */
const PHP: Rendering = { by: "PHP http_build_query", space: "+", bare: "" };

/**
 * Contract: signature. "http query string" means something different in each language, and existing
 * apps use all of these. The same decoder decodes every row (`+` is a space, then percent-decode, in
 * either case of hex), so accepting them all never lets one string represent two sets of parameters.
 *
 * Spring, and hutool in a URL, leave `+` bare too: of them a value with `+` isn't accepted.
 */
const RENDERINGS: readonly Rendering[] = [
  PHP,
  { by: "Java URLEncoder, JS URLSearchParams, Ruby encode_www_form", space: "+", bare: "*" },
  { by: "Python urlencode, Go url.Values.Encode, Ruby CGI.escape", space: "+", bare: "~" },
  { by: "Java URLEncoder with the tilde restored", space: "+", bare: "*~" },
  { by: "npm qs, RFC1738 format", space: "+", bare: "()~" },
  { by: ".NET WebUtility.UrlEncode", space: "+", bare: "!()*" },
  { by: "jQuery form data", space: "+", bare: "!'()*~" },
  { by: "PHP rawurlencode, Python quote, npm qs", space: "%20", bare: "~" },
  { by: "Python quote with its default safe characters", space: "%20", bare: "~/" },
  { by: "Python 2 quote, PHP before 5.3", space: "%20", bare: "" },
  { by: "Java URLEncoder with + replaced", space: "%20", bare: "*" },
  { by: "Java URLEncoder with + replaced and the tilde restored", space: "%20", bare: "*~" },
  { by: ".NET WebUtility.UrlEncode with + replaced", space: "%20", bare: "!()*" },
  {
    by: "encodeURIComponent rebuilt on Java URLEncoder, tilde forgotten",
    space: "%20",
    bare: "!'()*",
  },
  { by: "JS encodeURIComponent, Node querystring.stringify", space: "%20", bare: "!'()*~" },
  { by: "axios", space: "+", bare: "!'()*~:$," },
  { by: "axios 1.7 and before", space: "+", bare: "!'()*~:$,[]" },
  { by: "axios 0.19 and before", space: "+", bare: "!'()*~:$,[]@" },
  { by: "Java Spring UriComponents", space: "%20", bare: "!'()*~:$,;@/?" },
  { by: "Java hutool, in a URL", space: "%20", bare: "!'()*~:$,;@/?=" },
  { by: "Java hutool, in a form", space: "+", bare: "!'()*~:$,;@/?=" },
];

/**
 * The distinct strings that an app may have signed, without `sign`, names in byte order: one string
 * for plain ASCII text. The values must be well-formed Unicode, as `readParameters` ensures.
 */
export function renderings(parameters: Parameters): readonly string[] {
  const signed = signedPairs(parameters);
  const strings = new Set(
    HEX_CASES.flatMap((hex) => RENDERINGS.map((rendering) => render(signed, rendering, hex))),
  );
  if (signed.every(([, value]) => isPlain(value))) {
    strings.add(signed.map(([name, value]) => `${name}=${value}`).join("&"));
  }
  return [...strings];
}

/** The string that the gateway signs: PHP's rendering, without `sign`, names sorted. */
export function renderForSigning(parameters: Parameters): string {
  return render(signedPairs(parameters), PHP, "upper");
}

/** Renders all parameters in their own order, as PHP's `http_build_query` does. */
export function renderPhp(parameters: Parameters): string {
  return render([...parameters], PHP, "upper");
}

/** Names are ASCII, for which the default order by UTF-16 units is the order by bytes. */
function signedPairs(parameters: Parameters): readonly (readonly [string, string])[] {
  return [...parameters.keys()]
    .filter((name) => name !== "sign")
    .toSorted()
    .map((name) => [name, parameters.get(name) ?? ""]);
}

/**
 * Whether an unescaped value is unambiguous. With `&`, `a=1&b=2` could be one parameter or two; with
 * `%` or `+`, `a=%26` could be three characters or an `&`, and `a=b+c` could contain a space.
 */
function isPlain(value: string): boolean {
  return !/[&%+]/.test(value);
}

function render(
  pairs: readonly (readonly [string, string])[],
  rendering: Rendering,
  hex: HexCase,
): string {
  return pairs.map(([name, value]) => `${name}=${escape(value, rendering, hex)}`).join("&");
}

function escape(value: string, { space, bare }: Rendering, hex: HexCase): string {
  const escaped = encodeURIComponent(value)
    .replaceAll("%20", space)
    .replaceAll(/[!'()*~]/g, (character) =>
      bare.includes(character) ? character : percentEscape(character),
    )
    .replaceAll(/%(?:24|2C|2F|3A|3B|3D|3F|40|5B|5D)/g, (code) =>
      bare.includes(decodeURIComponent(code)) ? decodeURIComponent(code) : code,
    );
  return hex === "upper" ? escaped : escaped.replaceAll(/%../g, (code) => code.toLowerCase());
}

function percentEscape(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
