import { readdirSync } from "node:fs";
import path from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** All rows of a query on the one local database below `folder` with this table. Throws if none has it. */
export function readLocal(folder: string, table: string, query: string): readonly Row[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".sqlite"))) {
    const database = new DatabaseSync(path.join(folder, file), { readOnly: true });
    try {
      const found = database
        .prepare("select 1 from sqlite_master where type = 'table' and name = ?")
        .get(table);
      if (found !== undefined) return database.prepare(query).all();
    } finally {
      database.close();
    }
  }
  throw new Error(`no database below ${folder} has a table ${table}`);
}
