import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { importMasterKey, open } from "../../src/lib/secret-box.ts";
import { connect } from "../../src/db/database.ts";
import {
  getMerchant,
  insertMerchant,
  listMerchants,
  updateMerchant,
  type NewMerchant,
} from "../../src/db/merchants.ts";
import { publicKey } from "../wechat/v3/support/fixtures.ts";

const NOW = 1_790_000_000_000;
const API_KEY = "an-api-key-of-32-characters-long";

const db = connect(env.DB);
const masterKey = await importMasterKey(env.MASTER_KEY);
let counter = 1_900_000_000;

const newMerchant = (): NewMerchant => ({
  name: "Shop",
  mchId: String(counter++),
  protocol: "v2",
  signType: "MD5",
  apiKey: API_KEY,
  certBinding: null,
});

async function inserted(merchant = newMerchant()) {
  const result = await insertMerchant(db, masterKey, merchant, NOW);
  if (!result.ok) throw new Error(result.error);
  return result.value;
}

async function sealedKey(id: number): Promise<string> {
  const row = await env.DB.prepare("select api_key_sealed from merchants where id = ?")
    .bind(id)
    .first<string>("api_key_sealed");
  if (row === null) throw new Error("no such merchant");
  return row;
}

describe("db merchants", () => {
  test("insertMerchant stores a merchant and returns it without its key", async () => {
    const merchant = newMerchant();
    const record = await inserted(merchant);
    const { apiKey: _, ...settings } = merchant;
    expect(record).toEqual({
      id: record.id,
      ...settings,
      refundFunds: "unsettled",
      merchantSerialNo: null,
      certificatesCheckedAt: null,
      verifyKeys: [],
      createdAt: NOW,
      updatedAt: NOW,
    });
    expect(await getMerchant(db, record.id)).toEqual(record);
  });

  test("I9: insertMerchant seals the key for its own row", async () => {
    const { id } = await inserted();
    const sealed = await sealedKey(id);
    expect(sealed).not.toContain(API_KEY);
    const location = { table: "merchants", column: "api_key_sealed", row: id };
    expect(await open(sealed, masterKey, location)).toEqual({ ok: true, value: API_KEY });
  });

  test("insertMerchant refuses a registered mchId", async () => {
    const merchant = newMerchant();
    await inserted(merchant);
    expect(await insertMerchant(db, masterKey, merchant, NOW)).toEqual({
      ok: false,
      error: "mchId taken",
    });
  });

  test("insertMerchant assigns unique ids to concurrent inserts", async () => {
    const records = await Promise.all([inserted(), inserted(), inserted(), inserted()]);
    expect(new Set(records.map((record) => record.id)).size).toBe(4);
    for (const { id } of records) {
      const location = { table: "merchants", column: "api_key_sealed", row: id };
      expect((await open(await sealedKey(id), masterKey, location)).ok).toBe(true);
    }
  });

  test("insertMerchant keeps each merchant's verifying keys in concurrent inserts", async () => {
    const ids = ["A1", "A2", "A3", "A4"];
    const records = await Promise.all(
      ids.map(
        async (id) => await inserted({ ...newMerchant(), verifyKeys: [{ ...publicKey, id }] }),
      ),
    );
    expect(records.map(({ verifyKeys }) => verifyKeys.map(({ id }) => id))).toEqual(
      ids.map((id) => [id]),
    );
  });

  test("insertMerchant stores no verifying keys when the mchId is taken", async () => {
    const merchant = newMerchant();
    const { id } = await inserted(merchant);
    const again = { ...merchant, verifyKeys: [publicKey] };
    expect((await insertMerchant(db, masterKey, again, NOW)).ok).toBe(false);
    expect((await getMerchant(db, id))?.verifyKeys).toEqual([]);
  });

  test("insertMerchant stores one of three concurrent inserts of one mchId", async () => {
    const merchant = newMerchant();
    const answers = await Promise.all(
      [1, 2, 3].map(async () => await insertMerchant(db, masterKey, merchant, NOW)),
    );
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
  });

  test("updateMerchant changes only the fields in the input", async () => {
    const record = await inserted();
    const before = await sealedKey(record.id);
    const changes = { name: "Shop 2", signType: "HMAC-SHA256", certBinding: "CERT" } as const;
    expect(await updateMerchant(db, masterKey, record.id, changes, NOW + 5)).toEqual({
      ...record,
      ...changes,
      updatedAt: NOW + 5,
    });
    expect(await sealedKey(record.id)).toBe(before);
  });

  test("I9: updateMerchant seals a new key", async () => {
    const { id } = await inserted();
    const apiKey = "another-key-of-32-characters-lon";
    await updateMerchant(db, masterKey, id, { apiKey }, NOW);
    const location = { table: "merchants", column: "api_key_sealed", row: id };
    expect(await open(await sealedKey(id), masterKey, location)).toEqual({
      ok: true,
      value: apiKey,
    });
  });

  test("getMerchant and updateMerchant return null for an absent merchant", async () => {
    expect(await getMerchant(db, 999_999)).toBeNull();
    expect(await updateMerchant(db, masterKey, 999_999, { name: "x" }, NOW)).toBeNull();
  });
});

test("listMerchants lists by id after the cursor", async () => {
  const ids = [(await inserted()).id, (await inserted()).id, (await inserted()).id];
  const first = ids[0] ?? 0;
  const listed = await listMerchants(db, first - 1, 2);
  expect(listed.map((merchant) => merchant.id)).toEqual(ids.slice(0, 2));
  expect((await listMerchants(db, first + 1, 2)).map((merchant) => merchant.id)).toEqual([
    first + 2,
  ]);
});
