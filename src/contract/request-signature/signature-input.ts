import { err, ok, type Result } from "../../lib/result.ts";
import { readComponents, type Coverage } from "./components.ts";
import type { RequestSignatureFault, SignatureField, SignatureParameter } from "./fault.ts";
import { MAX_FIELD_LENGTH, REQUIRED_COMPONENTS, SIGNATURE_TAG } from "./policy.ts";
import { parseDictionary, type Dictionary, type InnerList } from "./structured-fields.ts";

/** The gateway's signature of a request as its headers state it, not verified yet. */
export interface ClaimedSignature extends Coverage {
  readonly value: Uint8Array<ArrayBuffer>;
  readonly keyId: string;
  /** Unix seconds. */
  readonly created: number;
  /** Unix seconds. */
  readonly expires: number;
  /** Null when the signature doesn't name its algorithm. */
  readonly algorithm: string | null;
}

/**
 * Finds the signature with the gateway's tag, under whatever label, and reads its parameters (RFC
 * 9421, 4.1 and 4.2). Labels mean nothing: a proxy may change them (7.2.5). Signatures with other tags
 * belong to other receivers and are ignored. Two with the gateway's tag are refused: an attacker who
 * adds one mustn't choose which of them counts (7.2.6).
 */
export function readSignature(headers: Headers): Result<ClaimedSignature, RequestSignatureFault> {
  const inputs = readDictionary(headers, "Signature-Input");
  if (!inputs.ok) return inputs;
  const values = readDictionary(headers, "Signature");
  if (!values.ok) return values;

  const tagged = findTagged(inputs.value);
  if (!tagged.ok) return tagged;
  const [label, input] = tagged.value;

  const member = values.value.get(label);
  if (member === undefined) return err({ kind: "value-missing" });
  if (member.kind !== "item" || member.value.type !== "bytes") {
    return err({ kind: "field-malformed", field: "Signature" });
  }
  const components = readCovered(input);
  if (!components.ok) return components;
  return readClaims({ input, components: components.value }, member.value.value);
}

/** Reads a header field as a dictionary. Measures it first: no text of any size is parsed. */
export function readDictionary(
  headers: Headers,
  field: SignatureField,
): Result<Dictionary, RequestSignatureFault> {
  const text = headers.get(field);
  if (text === null) return err({ kind: "field-missing", field });
  if (text.length > MAX_FIELD_LENGTH) return err({ kind: "field-too-long", field });
  const dictionary = parseDictionary(text);
  return dictionary === null ? err({ kind: "field-malformed", field }) : ok(dictionary);
}

function findTagged(
  inputs: Dictionary,
): Result<readonly [label: string, InnerList], RequestSignatureFault> {
  let found: readonly [string, InnerList] | null = null;
  for (const [label, member] of inputs) {
    // RFC 9421, 4.1: every member is an inner list.
    if (member.kind === "item") return err({ kind: "field-malformed", field: "Signature-Input" });
    const tag = member.parameters.get("tag");
    if (tag?.type !== "string" || tag.value !== SIGNATURE_TAG) continue;
    if (found !== null) return err({ kind: "tag-repeated" });
    found = [label, member];
  }
  return found === null ? err({ kind: "tag-missing" }) : ok(found);
}

function readCovered(input: InnerList): Result<ReadonlySet<string>, RequestSignatureFault> {
  const names = readComponents(input);
  if (!names.ok) return names;
  const component = REQUIRED_COMPONENTS.find((name) => !names.value.has(name));
  return component === undefined ? names : err({ kind: "component-missing", component });
}

function readClaims(
  { input, components }: Coverage,
  value: Uint8Array<ArrayBuffer>,
): Result<ClaimedSignature, RequestSignatureFault> {
  const keyId = required("keyid", readString(input, "keyid"));
  if (!keyId.ok) return keyId;
  const created = required("created", readInteger(input, "created"));
  if (!created.ok) return created;
  const expires = required("expires", readInteger(input, "expires"));
  if (!expires.ok) return expires;
  const algorithm = readString(input, "alg");
  if (!algorithm.ok) return algorithm;
  const nonce = readString(input, "nonce");
  if (!nonce.ok) return nonce;
  return ok({
    input,
    components,
    value,
    keyId: keyId.value,
    created: created.value,
    expires: expires.value,
    algorithm: algorithm.value,
  });
}

function required<T>(
  parameter: SignatureParameter,
  read: Result<T | null, RequestSignatureFault>,
): Result<T, RequestSignatureFault> {
  if (!read.ok) return read;
  return read.value === null ? err({ kind: "parameter-missing", parameter }) : ok(read.value);
}

function readString(
  { parameters }: InnerList,
  parameter: SignatureParameter,
): Result<string | null, RequestSignatureFault> {
  const item = parameters.get(parameter);
  if (item === undefined) return ok(null);
  return item.type === "string" ? ok(item.value) : err({ kind: "parameter-malformed", parameter });
}

function readInteger(
  { parameters }: InnerList,
  parameter: SignatureParameter,
): Result<number | null, RequestSignatureFault> {
  const item = parameters.get(parameter);
  if (item === undefined) return ok(null);
  return item.type === "integer" ? ok(item.value) : err({ kind: "parameter-malformed", parameter });
}
