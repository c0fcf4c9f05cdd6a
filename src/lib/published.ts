import { Buffer } from "node:buffer";
import { createHash, createPublicKey } from "node:crypto";

/*
 * Secrets and keys that anyone can look up: this project's development values, the examples in its
 * documents, the sandbox's keys, WeChat's and the RFCs' test keys. They are listed by fingerprint,
 * because the gateway must not contain the sandbox's keys.
 */

/** SHA-256 of the text in lower case. */
const PUBLISHED_TEXTS: ReadonlySet<string> = new Set([
  // .dev.vars.example: ADMIN_TOKEN; MASTER_KEY, its text and its bytes
  "010683970761695fc899c5276a9dd95016302052ddb07a8d82a53e43c6b99d8b",
  "d30e247b22c1f8705976aa1af255cc21553abc175ac9deea541c47f883bd397a",
  "2cc2ffca2cf91c33a2c2ef49b7500b99daf73a52662ab31af9a75601368f6c20",
  // salts: of the signing rule and the demo app; of test vectors; in docs/operate.md, docs/deploy.md
  "49d54a0b5267fb9c2fb20155eba085a1f9581780965b9578445ed5a2ffe848af",
  "db5fcc9cdc6b518ca72b00b5c1a999cf3c13f8e2adcf2d1f8f995715d78f8208",
  "94b1ae85af1280de9f6d490bf99406029f4304831af5cce5e75afbb1a85bb9df",
  "0547136c95c7e288f4fcb49f6610244e8f2b2676b1757c264afd50c483c13eb3",
  // the sandbox's demo merchant: APIv2 key, APIv3 key
  "2932768d31d761991c0897b47430537852dfd58fe516d95abf0788ae511dd81d",
  "55d0aa0048456e0048404f758d33fd857c95cb416659545ba76e9c9c2acd296d",
  // APIv2 key of WeChat's signing example
  "4ad1bc7cf3cf09f9293fc2d83eb1b5bf6bd2b4c56191ad89b336a0b2d772fbf7",
  // 32-character keys in the examples and tests of public SDKs for WeChat Pay: wechatpay-axios-plugin,
  // wechatpay-java, easywechat, wechatpy, WxJava, pay, and the keys that people type for a test
  "098e70b53972973d03d142eb33eccd0ef0dc8c99f9a05ef6211354e6bb8d1e29",
  "d296cadfff87dab945a5b36435e4fae26e02bd179018d69d3ee94d4bff7b927d",
  "18fc9a48816fc000c43db84246c53ca878ecfe25d8108d4cfe2ca66d1eaf5fe5",
  "b18b4e29220db047462cbe496748983fa0642d8ce09a5a7ac090953f342cd5d6",
  "c87dfae83ad804fe62132409ca5f32069f0b81828a8ebd1aca4a420119aae98d",
  "fad5c34d6c00dc1afc8b785ea385856078a3d972238fd90dcd8b21e9a0a72b22",
  "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9",
  "cc75443d8979fe5cdbdf2de55b822ec8b63bc55348c2e451b46b19f4746885ca",
  "3e1f4beb092eb8027025e21d75a8b6854a92b94043ed2e3e64b48f11b5352c6a",
]);

/**
 * SHA-256 of an RSA key's modulus, or of an Ed25519 public key's 32 bytes. Only keys whose private
 * half is public: a genuine key of WeChat that stands in a document is none.
 */
const PUBLISHED_KEYS: ReadonlySet<string> = new Set([
  // sandbox/keys: demo-merchant, platform-1, platform-2, wechatpay-public
  "905053943fe3ca63a6b8d69ec939aa39de996afc2467f009c07b88259932ef3b",
  "33b2a6938709bbf42ef2121ea3ca31f94038eb1f623ccf3906d904f3b147aa30",
  "406a8af23d447f49a7c347f0bf03c12063273c1f4abb2e626df26b101cfaef45",
  "b8f7d4e8705f7920b1ef2d18f6a200872ff9a8e293649abd195b72d8165b9e78",
  // test keys of wechatpay-go and wechatpay-java; the merchant's key in WeChat's documents
  "8ed56c2d8b5636812f5e5197eeaf2f1f5bee9f01e42d812c2bb834936f453cbd",
  "976afa5d13e91fd206510dee4e6c1efbaaedcf4af472b66b78e6e66b426f38f5",
  "aa3b8907b8d6db049963b4c78db5df2177c3e51a2aaeb96f41377c8a218b7ca9",
  // Ed25519: RFC 9421, B.1.4; RFC 8032, 7.1 (five keys); RFC 8410, 10.1
  "b16c2d1bead1262639764fdb0ee4d3774599336bd493404cda4b1136c59f2062",
  "21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9",
  "39f713d0a644253f04529421b9f51b9b08979d08295959c4f3990ee617f5139f",
  "dac073e0123bdea59dd9b3bda9cf6037f63aca82627d7abcd5c4ac29dd74003e",
  "91384c411e5af29648f17f922b402655b11ecaec1b33fc45796241963f95f202",
  "d85634277da89350a80a0c0ff62b7695df2478a61f9b93bc62b52540b0699872",
  "e744c0791320c3285460eddb523f14c88d857ada46b97a5690d88cf978b9191f",
  // Ed25519: every encoding of a point of small order, under which anyone can sign without a key
  "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925",
  "63794a3bf8875ac2c32ba6238d27e7e15e56a3b794b8d2d6aec82faef2360e3a",
  "01d0fabd251fcbbe2b93b4b927b26ad2a1a99077152e45ded1e678afa45dbec5",
  "05e33a7a25dc39ab258dacfea5a955d0d3742731d8f1c42c427bf98ca9c75ccc",
  "0d34fd0d99957c53e4dc954ddaae5934077f594e73c3fda29f2fff1b232d549a",
  "5204010488ca3338ed6c56bb34a9e26cbc3602857b8d5ec720144dc8fa2b95ca",
  "1381231a2021f331f1b9b69d2f5ff04a2cc77582d08b909ffc0ace9530351722",
  "ea4d97c02b411d7bc6e52582295463fe73127094421423255452b673644001cb",
  "ffe1ea08f3af443b5a2d6497c9b7c5a74a25a2b60ac58b44a22b7b1dd2218bfc",
  "185c3c71208cfd21f71028544b41e3b61d605a95ce3d8281ed29acd2b0168b43",
  "bd6174a7c16e1af07272966a9c071c8a3cf16b2726c50d672a09f60636b08901",
  "138397e6a9ff992e43ff57dfb09f75ef2ff6fb55e91228e3d9237445eb658a7c",
  "ebcaabd64b0947b64d68135119c54f2d3466bd7ed11257b3a3059689ae2dbd91",
  "ea5aed9fda92d9b0e5e9bc01c7ae57fc299f2590317209a7cb74038f456911bd",
]);

/** Whether a secret is published, in any case and with any white space around it. */
export function isPublishedText(secret: string): boolean {
  return PUBLISHED_TEXTS.has(sha256(secret.trim().toLowerCase()));
}

/** Whether the bytes of a key are a published secret's. */
export function isPublishedBytes(key: Uint8Array): boolean {
  return isPublishedText(Buffer.from(key).toString("latin1"));
}

/**
 * Whether anyone can sign under a public key, because its private key is published. The numbers are
 * compared, not the text: the same key in a certificate, in PKCS#1 or with another exponent is known
 * too.
 * @param publicKeyPem SPKI; of RSA or Ed25519
 */
export function isPublishedKey(publicKeyPem: string): boolean {
  // Not as PEM: node:crypto requires line breaks, which a pasted key may lack.
  const der = Buffer.from(publicKeyPem.replaceAll(/-----[A-Z ]+-----/g, ""), "base64");
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const { n, x } = key.export({ format: "jwk" });
  const number = n ?? x;
  return number !== undefined && PUBLISHED_KEYS.has(sha256(Buffer.from(number, "base64url")));
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
