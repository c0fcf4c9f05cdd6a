import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import worker from "../../../src/index.ts";
import { QueryLimitObject } from "../../../src/orders/query-limit-object.ts";
import { OrderObject } from "../../../src/orders/order-object.ts";
import { differenceOf, NOTHING, type Counts } from "../counts.ts";

type Count = { -readonly [Name in keyof Counts]: Counts[Name] };

type Method = (this: unknown, ...parameters: never[]) => unknown;

/** Cursors report their rows when they have been read, which is after the statement. */
const cursors: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];
const counted: Count = { ...NOTHING };
/** Calls to objects in progress: everything that happens meanwhile happens in an object. */
let callsInObjects = 0;

/**
 * Starts counting everything that is billed. D1 reports its rows, as does SQLite in objects; a key in
 * an object's storage is billed as one row of a hidden table.
 */
export async function startMeter(): Promise<void> {
  meterWorker();
  meterD1();
  meterObjects();
  await runInDurableObject(env.ORDER_OBJECT.getByName("meter"), (_object, { storage }) => {
    meterStorage(storage);
  });
}

/** The counts of `work`. */
export async function metered(work: () => Promise<unknown>): Promise<Counts> {
  const before = read();
  await work();
  return differenceOf(read(), before);
}

function read(): Counts {
  return {
    ...counted,
    objectRead: cursors.reduce((sum, { rowsRead }) => sum + rowsRead, counted.objectRead),
    objectWritten: cursors.reduce(
      (sum, { rowsWritten }) => sum + rowsWritten,
      counted.objectWritten,
    ),
  };
}

function meterWorker(): void {
  countCalls(worker, "fetch", () => {
    counted.requests += 1;
  });
  countCalls(globalThis, "fetch", () => {
    counted.calls += 1;
    if (callsInObjects > 0) counted.objectCalls += 1;
  });
  for (const binding of Object.values(env)) {
    // Not `in`: a binding to another Worker has every name.
    const owner = findOwner(binding, "writeDataPoint");
    if (owner === undefined) continue;
    countCalls(owner, "writeDataPoint", () => {
      counted.dataPoints += 1;
    });
  }
}

/** Every call to D1 ends in one method, whose answer contains SQLite's counts. */
function meterD1(): void {
  const session: unknown = Reflect.get(env.DB, "alwaysPrimarySession");
  const owner = ownerOf(session, "_send");
  const send = methodOf(owner, "_send");
  Reflect.set(owner, "_send", async function (this: unknown, ...parameters: never[]) {
    counted.d1Trips += 1;
    if (callsInObjects > 0) counted.objectTrips += 1;
    const answer: unknown = await send.apply(this, parameters);
    for (const result of Array.isArray(answer) ? answer : [answer]) {
      const { meta }: D1Result = result;
      counted.d1Read += meta.rows_read;
      counted.d1Written += meta.rows_written;
    }
    return answer;
  });
}

/** The methods that other Workers call, and the alarm. `history` is for people and tests. */
const CALLS = [
  "open",
  "recordPayment",
  "requestRefund",
  "handleRefundNotification",
  "sync",
  "redeliver",
  "alarm",
];

function meterObjects(): void {
  for (const name of CALLS) meterCall(OrderObject.prototype, name);
  meterCall(QueryLimitObject.prototype, "take");
}

function meterCall(owner: object, name: string): void {
  const method = methodOf(owner, name);
  Reflect.set(owner, name, async function (this: unknown, ...parameters: never[]) {
    counted.objectRequests += 1;
    callsInObjects += 1;
    try {
      return await method.apply(this, parameters);
    } finally {
      callsInObjects -= 1;
    }
  });
}

function meterStorage(storage: DurableObjectStorage): void {
  const sql = ownerOf(storage.sql, "exec");
  const exec = methodOf(sql, "exec");
  Reflect.set(sql, "exec", function (this: unknown, ...parameters: never[]) {
    const cursor: unknown = exec.apply(this, parameters);
    if (isCursor(cursor)) cursors.push(cursor);
    return cursor;
  });
  const kv = ownerOf(storage.kv, "put");
  countCalls(kv, "put", () => {
    counted.objectWritten += 1;
  });
  countCalls(kv, "get", () => {
    counted.objectRead += 1;
  });
  const remove = methodOf(kv, "delete");
  Reflect.set(kv, "delete", function (this: unknown, ...parameters: never[]) {
    const removed = remove.apply(this, parameters);
    if (removed === true) counted.objectWritten += 1;
    return removed;
  });
  const list = methodOf(kv, "list");
  Reflect.set(kv, "list", function* (this: unknown, ...parameters: never[]) {
    const entries = list.apply(this, parameters);
    if (!isIterable(entries)) throw new Error("list() returned no iterable");
    for (const entry of entries) {
      counted.objectRead += 1;
      yield entry;
    }
  });
  const alarms = ownerOf(storage, "setAlarm");
  countCalls(alarms, "setAlarm", () => {
    counted.objectWritten += 1;
  });
  countCalls(alarms, "getAlarm", () => {
    // The test helper that runs an alarm calls it too.
    if (callsInObjects > 0) counted.objectRead += 1;
  });
}

function countCalls(target: object, name: string, count: () => void): void {
  const owner = ownerOf(target, name);
  const method = methodOf(owner, name);
  Reflect.set(owner, name, function (this: unknown, ...parameters: never[]) {
    count();
    return method.apply(this, parameters);
  });
}

/** The object in the prototype chain that has the method. */
function findOwner(target: unknown, name: string): object | undefined {
  let owner: unknown = target;
  while (typeof owner === "object" && owner !== null) {
    if (Object.hasOwn(owner, name)) return owner;
    owner = Object.getPrototypeOf(owner);
  }
  return undefined;
}

function ownerOf(target: unknown, name: string): object {
  const owner = findOwner(target, name);
  if (owner === undefined) throw new Error(`${name} not found: the platform has changed`);
  return owner;
}

function methodOf(owner: object, name: string): Method {
  const method: unknown = Reflect.get(owner, name);
  if (!isMethod(method)) throw new Error(`${name} is not a method`);
  return method;
}

function isMethod(value: unknown): value is Method {
  return typeof value === "function";
}

function isCursor(value: unknown): value is (typeof cursors)[number] {
  return typeof value === "object" && value !== null && "rowsWritten" in value;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
