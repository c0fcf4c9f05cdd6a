import type { StateView } from "../ledger/views.ts";
export async function page(state: StateView): Promise<Response> {
  return new Response(JSON.stringify(state));
}
