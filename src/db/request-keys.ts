import { and, asc, eq, sql } from "drizzle-orm";
import * as z from "zod";
import {
  REQUEST_KEY_ALGORITHMS,
  type RequestKey,
  type RequestKeyAlgorithm,
} from "../contract/request-signature/request-key.ts";
import { err, ok, type Result } from "../lib/result.ts";
import type { MasterKey } from "../lib/secret-box.ts";
import type { Database } from "./database.ts";
import { apps, requestKeys } from "./schema.ts";
import { sealFor } from "./secrets.ts";

/** A few for each of an app's programs, and room to rotate. Bounds what is loaded with every app. */
export const MAX_REQUEST_KEYS = 10;

/** A key without its material: what may be shown. */
export interface RequestKeyRecord {
  readonly keyId: string;
  readonly algorithm: RequestKeyAlgorithm;
  readonly createdAt: number;
}

const SHOWN = {
  keyId: requestKeys.keyId,
  algorithm: requestKeys.algorithm,
  createdAt: requestKeys.createdAt,
};

/** How often an id may be lost to another insert before it looks like a bug. */
const ID_ATTEMPTS = 100;

const stored = z.array(
  z.object({
    id: z.int(),
    keyId: z.string(),
    algorithm: z.enum(REQUEST_KEY_ALGORITHMS),
    publicKeyPem: z.string().nullable(),
    secretSealed: z.string().nullable(),
  }),
);

/** What verifying needs of a key's row. */
export type RequestKeyRow = z.infer<typeof stored>[number];

/**
 * All keys of the app in a query's row, as one column: a join would multiply the rows by those of
 * other joins, and drizzle reads a batch by column names, which joined tables share.
 */
export const REQUEST_KEYS_OF_APP = sql`(
  select json_group_array(json_object(
    'id', k.id, 'keyId', k.key_id, 'algorithm', k.algorithm,
    'publicKeyPem', k.public_key_pem, 'secretSealed', k.secret_sealed
  )) from request_keys k where k.app_id = ${apps.id}
)`.mapWith((json: string): RequestKeyRow[] => stored.parse(JSON.parse(json)));

/** Writes a new key of an app, its secret sealed. */
export async function insertRequestKey(
  db: Database,
  masterKey: MasterKey,
  appId: number,
  key: RequestKey,
  nowAt: number,
): Promise<Result<RequestKeyRecord, "absent" | "full">> {
  // As in `insertApp`: the secret is sealed for its row, and two inserts may pick the same id.
  for (let attempt = 0; attempt < ID_ATTEMPTS; attempt++) {
    const [app] = await db
      .select({
        keys: sql<number>`(select count(*) from request_keys k where k.app_id = ${appId})`,
        lastId: sql<number>`(select coalesce(max(k.id), 0) from request_keys k)`,
      })
      .from(apps)
      .where(eq(apps.id, appId));
    if (app === undefined) return err("absent");
    if (app.keys >= MAX_REQUEST_KEYS) return err("full");
    const id = app.lastId + 1;
    const isPublic = key.algorithm === "ed25519";
    const sealed = isPublic
      ? null
      : await sealFor(requestKeys.secretSealed, id, key.material, masterKey);
    const [record] = await db
      .insert(requestKeys)
      .select(
        sql`select ${id}, ${appId}, ${key.keyId}, ${key.algorithm}, ${isPublic ? key.material : null},
          ${sealed}, ${nowAt}
          where (select count(*) from request_keys k where k.app_id = ${appId}) < ${MAX_REQUEST_KEYS}`,
      )
      .onConflictDoNothing({ target: requestKeys.id })
      .returning(SHOWN);
    if (record !== undefined) return ok(record);
  }
  throw new Error("no free id for a request key");
}

/** The app's keys, the oldest first; null when there is no such app. */
export async function listRequestKeys(
  db: Database,
  appId: number,
): Promise<RequestKeyRecord[] | null> {
  const rows = await db
    .select({ app: apps.id, key: SHOWN })
    .from(apps)
    .leftJoin(requestKeys, eq(requestKeys.appId, apps.id))
    .where(eq(apps.id, appId))
    .orderBy(asc(requestKeys.id));
  return rows.length === 0 ? null : rows.flatMap(({ key }) => key ?? []);
}

/** Deletes a key, unless it is the last one of an app whose requests must be signed. */
export async function deleteRequestKey(
  db: Database,
  appId: number,
  keyId: string,
): Promise<Result<null, "absent" | "last">> {
  const its = and(eq(requestKeys.appId, appId), eq(requestKeys.keyId, keyId));
  // One statement: of two that are deleted at once, one must stay.
  const deleted = await db
    .delete(requestKeys)
    .where(
      and(
        its,
        sql`(exists (select 1 from request_keys k where k.app_id = ${appId} and k.key_id <> ${keyId})
          or exists (select 1 from apps a where a.id = ${appId} and a.request_signature = 'off'))`,
      ),
    )
    .returning({ id: requestKeys.id });
  if (deleted.length > 0) return ok(null);
  return err((await db.$count(requestKeys, its)) > 0 ? "last" : "absent");
}
