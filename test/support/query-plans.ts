import { env } from "cloudflare:workers";
import { instrumentD1 } from "./d1.ts";
import { closeScene } from "./scene.ts";

/** D1's query plans of the statements that `work` executes, one text each. */
export async function plansOf(work: () => Promise<unknown>): Promise<string[]> {
  const { trips } = instrumentD1();
  await work();
  const statements = trips.flat();
  closeScene();
  const plans: string[] = [];
  for (const statement of statements) {
    const values = Array.from({ length: statement.split("?").length - 1 }, () => 1);
    const plan = await env.DB.prepare(`explain query plan ${statement}`)
      .bind(...values)
      .all<{ detail: string }>();
    plans.push(plan.results.map(({ detail }) => detail).join("; "));
  }
  return plans;
}
