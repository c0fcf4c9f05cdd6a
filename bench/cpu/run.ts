import { dataOf, type AppClient } from "../../testkit/app-client.ts";
import type { Message } from "../../testkit/notification-writer.ts";
import { Progress } from "../../testkit/progress.ts";
import { openApp, openShop, type Shop, type SignType } from "../../testkit/shop.ts";
import { startStack, type Stack } from "../../testkit/stack/stack.ts";
import { notificationsFor, paymentFacts, post } from "../../testkit/wechat-notification.ts";
import { CpuClock } from "../support/cpu.ts";
import { machineLine } from "../support/machine.ts";
import { Client, type Answer } from "../support/post.ts";
import { tableOf } from "../support/table.ts";
import { endpointInputs } from "./endpoint-inputs.ts";
import { FORM, type Input } from "./input.ts";
import { v2Inputs, v3Inputs } from "./notification-inputs.ts";
import { otherInputs } from "./other-inputs.ts";

/** How often all inputs are sent in turn, so that the machine's other work affects all of them. */
const ROUNDS = 10;
/** A stranger's request may cost this many times the genuine one. */
const MAX_RATIO = 2;

/** A genuine request, and strangers' requests that are measured against it. */
interface Comparison {
  readonly genuine: Input;
  readonly hostile: readonly Input[];
}

/** Prints a table for each kind of request. Returns whether no input costs more than allowed. */
export async function runCpu(requests: number, only: string): Promise<boolean> {
  const stack = await startStack();
  const client = new Client();
  const shops: Shop[] = [];
  try {
    print(`${machineLine()}\n`);
    const comparisons = await prepare(stack, shops, only);
    const costs = await measure(stack, client, comparisons, requests);
    let isWithin = true;
    for (const comparison of comparisons) isWithin = report(comparison, costs) && isWithin;
    return isWithin;
  } finally {
    client.close();
    for (const { receiver } of shops) await receiver.stop();
    await stack.stop();
  }
}

async function prepare(stack: Stack, shops: Shop[], only: string): Promise<readonly Comparison[]> {
  const open = async (signType: SignType): Promise<Shop> => {
    const shop = await openShop(stack, signType);
    shops.push(shop);
    return shop;
  };
  const [v2, v3] = [await open("HMAC-SHA256"), await open("RSA")];
  const signing = await openApp(v2);
  shops.push({ ...v2, ...signing });
  const keyId = await requireSignatures(stack, signing.registered.id);
  const { order, message } = await pay(v2, stack.gatewayUrl);
  const v3Paid = await pay(v3, stack.gatewayUrl);
  const apps = { appId: v2.registered.id, signingAppId: signing.registered.id, keyId };
  const chosen = (inputs: readonly Input[]): readonly Input[] =>
    inputs.filter(({ name }) => name.includes(only));
  return [
    {
      genuine: signedOrderQuery(v2.app, order),
      hostile: chosen([...endpointInputs(apps), ...otherInputs()]),
    },
    {
      genuine: notification("v2: a genuine repeated notification", v2, message),
      hostile: chosen(v2Inputs(v2.merchant, message)),
    },
    {
      genuine: notification("v3: a genuine repeated notification", v3, v3Paid.message),
      hostile: chosen(v3Inputs(v3.merchant, v3Paid.message)),
    },
  ];
}

/** Requires request signatures of an app. Returns the id of its key. */
async function requireSignatures(
  { gatewayUrl, adminToken }: Stack,
  appId: number,
): Promise<string> {
  const call = async (method: string, path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${gatewayUrl}/admin/apps/${appId}${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`the key can't be added: ${await response.text()}`);
    return await response.json();
  };
  const key = await call("POST", "/request-keys", { algorithm: "hmac-sha256" });
  await call("PATCH", "", { requestSignature: "all" });
  return String(Reflect.get(Object(key), "keyId"));
}

/** An order that its notification has made paid. */
async function pay(
  { app, sandbox, merchant }: Shop,
  gatewayUrl: string,
): Promise<{ readonly order: number; readonly message: Message }> {
  const { orderId, orderNumber } = dataOf(await app.createOrder({ attach: "bench" }));
  await sandbox.pay(orderNumber, { notify: false });
  const facts = paymentFacts(await sandbox.order(orderNumber));
  const message = notificationsFor(merchant).write(facts, merchant);
  const path = `/notify/${merchant.protocol}/${merchant.id}/pay`;
  if (!(await post(gatewayUrl + path, message))) throw new Error("the order can't be paid");
  return { order: orderId, message };
}

function signedOrderQuery(app: AppClient, orderId: number): Input {
  const { path, body } = app.sign("/order", { order_id: orderId });
  return { name: "a signed /order", path, headers: { "content-type": FORM }, body };
}

function notification(name: string, { merchant }: Shop, { headers, body }: Message): Input {
  return { name, path: `/notify/${merchant.protocol}/${merchant.id}/pay`, headers, body };
}

/** CPU time of a request in ms, by input. */
async function measure(
  { gatewayUrl }: Stack,
  client: Client,
  comparisons: readonly Comparison[],
  requests: number,
): Promise<ReadonlyMap<Input, number>> {
  const inputs = comparisons.flatMap(({ genuine, hostile }) => [genuine, ...hostile]);
  const perRound = Math.ceil(requests / ROUNDS);
  const clock = new CpuClock(Number(new URL(gatewayUrl).port));
  const total = inputs.length * perRound * (ROUNDS + 1);
  const progress = new Progress("cpu", { unit: "requests", total });
  const totals = new Map(inputs.map((input) => [input, 0]));
  const genuine = new Set(comparisons.map((comparison) => comparison.genuine));
  // The first round compiles the code, and isn't counted.
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const input of inputs) {
      const before = clock.now();
      for (let index = 0; index < perRound; index += 1) {
        const answer = await client.send(gatewayUrl + input.path, input);
        if (isAccepted(answer) !== genuine.has(input)) {
          throw new Error(`${input.name}: HTTP ${answer.status} ${answer.text}`);
        }
        progress.add();
      }
      if (round > 0) totals.set(input, (totals.get(input) ?? 0) + clock.now() - before);
    }
  }
  progress.end();
  return new Map([...totals].map(([input, ms]) => [input, ms / (perRound * ROUNDS)]));
}

/** Whether the gateway did what was asked for; an answer that it is healthy doesn't count. */
function isAccepted({ status, text }: Answer): boolean {
  return status === 204 || /"code":0\b|\[SUCCESS\]/.test(text);
}

function report({ genuine, hostile }: Comparison, costs: ReadonlyMap<Input, number>): boolean {
  const yardstick = costs.get(genuine) ?? 0;
  const ratioOf = (input: Input): number => (costs.get(input) ?? 0) / yardstick;
  const rows = [genuine, ...hostile.toSorted((a, b) => ratioOf(b) - ratioOf(a))].map((input) => [
    input.name,
    (costs.get(input) ?? 0).toFixed(2),
    ratioOf(input).toFixed(2),
  ]);
  print(`${tableOf([genuine.name, "CPU, ms", "ratio"], rows)}\n`);
  const dear = hostile.filter((input) => ratioOf(input) > MAX_RATIO);
  for (const { name } of dear) print(`✗ ${name}: more than ${MAX_RATIO} times ${genuine.name}`);
  return dear.length === 0;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
