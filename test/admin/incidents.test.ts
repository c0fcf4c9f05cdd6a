import { describe, expect, test } from "vitest";
import { adviceOn, type Incident } from "../../src/domain/incidents.ts";
import { recordIncident } from "../../src/db/incidents.ts";
import { randomHex32 } from "../../src/lib/random.ts";
import { db } from "../support/rows.ts";
import { sendAdmin, fieldErrors, fieldsOf, pageIn } from "./support.ts";

let merchants = 70_000_000;

/** Opens `count` incidents of a new merchant; returns their ids, oldest first. */
async function openIncidents(
  count: number,
  changes: Partial<Incident> = {},
): Promise<{ readonly merchantId: number; readonly ids: number[] }> {
  merchants += 1;
  const merchantId = merchants;
  for (let index = 0; index < count; index += 1) {
    const number = randomHex32();
    const incident = {
      subject: number,
      orderNumber: number,
      merchantId,
      requestId: null,
      facts: { calls: 16 },
    };
    await recordIncident(db, { kind: "delivery_exhausted", ...incident, ...changes }, 1000 + index);
  }
  const { ids } = pageIn(await sendAdmin("GET", `/admin/incidents?merchantId=${merchantId}`));
  return { merchantId, ids: ids.toReversed() };
}

async function resolve(id: number | undefined, body: unknown) {
  return await sendAdmin("POST", `/admin/incidents/${id}/resolve`, { body });
}

const NOTE = "must have 1 to 500 characters and no control characters except line breaks";

describe("GET /admin/incidents", () => {
  test("lists the newest first, page by page, each with advice", async () => {
    const { merchantId, ids } = await openIncidents(3);
    const [first, second, third] = ids;
    const path = `/admin/incidents?merchantId=${merchantId}&limit=2`;
    const page = await sendAdmin("GET", path);
    expect(pageIn(page)).toEqual({ ids: [third, second], nextCursor: second });
    expect(pageIn(await sendAdmin("GET", `${path}&cursor=${second}`))).toEqual({
      ids: [first],
      nextCursor: null,
    });
    expect(fieldsOf(await sendAdmin("GET", `/admin/incidents/${third}`))).toMatchObject({
      id: third,
      kind: "delivery_exhausted",
      merchantId,
      facts: { calls: 16 },
      seen: 1,
      createdAt: 1002,
      resolvedAt: null,
      note: null,
      advice: adviceOn("delivery_exhausted"),
    });
  });

  test("filters by state, kind and order", async () => {
    const { merchantId, ids } = await openIncidents(2);
    const [first, second] = ids;
    await resolve(first, { note: "done" });
    const found = async (query: string) =>
      pageIn(await sendAdmin("GET", `/admin/incidents?merchantId=${merchantId}&${query}`)).ids;
    expect(await found("state=open")).toEqual([second]);
    expect(await found("state=resolved")).toEqual([first]);
    expect(await found("kind=delivery_exhausted")).toEqual([second]);
    expect(await found("kind=refund_abnormal")).toEqual([]);
    const shown = fieldsOf(await sendAdmin("GET", `/admin/incidents/${second}`));
    expect(await found(`orderNumber=${String(shown["orderNumber"])}`)).toEqual([second]);
    expect(await found(`orderNumber=${randomHex32()}`)).toEqual([]);
  });

  test.for(["state=all", "kind=fire", "merchantId=x", "limit=0", "limit=101", "colour=red"])(
    "refuses ?%s and names the parameter",
    async (query) => {
      const answer = await sendAdmin("GET", `/admin/incidents?${query}`);
      expect(answer.status).toBe(400);
      expect(Object.keys(fieldErrors(answer))).toEqual([query.split("=")[0]]);
    },
  );
});

describe("POST /admin/incidents/:id/resolve", () => {
  test("stores note and time once and answers the second of two concurrent requests with 409", async () => {
    const { ids } = await openIncidents(1);
    const answers = await Promise.all([
      resolve(ids[0], { note: " one " }),
      resolve(ids[0], { note: "two" }),
    ]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 409]);
    const kept = answers[0]?.status === 200 ? "one" : "two";
    const shown = fieldsOf(await sendAdmin("GET", `/admin/incidents/${ids[0]}`));
    expect(shown).toMatchObject({ note: kept, resolvedAt: expect.any(Number) });
    expect((await resolve(ids[0], { note: "three" })).status).toBe(409);
    expect(fieldsOf(await sendAdmin("GET", `/admin/incidents/${ids[0]}`))).toEqual(shown);
  });

  test.for([
    [{}, "is required"],
    [{ note: "" }, NOTE],
    [{ note: "  " }, NOTE],
    [{ note: "x".repeat(501) }, NOTE],
    [{ note: 5 }, NOTE],
    [{ note: "a\u0007" }, NOTE],
    [{ note: "a\ud800" }, NOTE],
  ] as const)("refuses the body %j", async ([body, fault]) => {
    const { ids } = await openIncidents(1);
    const answer = await resolve(ids[0], body);
    expect(answer.status).toBe(400);
    expect(fieldErrors(answer)).toEqual({ note: fault });
    expect(fieldsOf(await sendAdmin("GET", `/admin/incidents/${ids[0]}`))["resolvedAt"]).toBeNull();
  });

  test("answers 404 for an absent incident and 401 without the token", async () => {
    expect((await resolve(999_999_999, { note: "x" })).status).toBe(404);
    expect((await sendAdmin("GET", "/admin/incidents/999999999")).status).toBe(404);
    const headers = { authorization: "Bearer wrong" };
    for (const [method, path] of [
      ["GET", ""],
      ["GET", "/1"],
      ["POST", "/1/resolve"],
    ] as const) {
      expect((await sendAdmin(method, `/admin/incidents${path}`, { headers })).status).toBe(401);
    }
  });
});
