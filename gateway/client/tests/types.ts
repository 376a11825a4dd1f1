/** Compiled, never run: what must not compile is marked, and the compiler complains when it does. */

import { createClient } from "../src/index.js";

const api = createClient("http://127.0.0.1:8000");

export async function names(): Promise<string[]> {
  const { data, error } = await api.GET("/v1/campaigns", { params: { query: { limit: 10 } } });
  if (error) throw new Error(error.code);
  return data.items.flatMap((campaign) => campaign.name ?? []);
}

export async function mistakes(): Promise<void> {
  // @ts-expect-error There is no such path.
  await api.GET("/v1/campaing");

  // @ts-expect-error The path's parameter is missing.
  await api.GET("/v1/campaigns/{campaign_id}");

  await api.POST("/v1/wallet/deposits", {
    // @ts-expect-error An amount is a number of minor units, not a text.
    body: { provider: "sandbox", amount: { amount_minor: "500", currency: "USD" } },
  });

  const { data } = await api.GET("/v1/campaigns");
  // @ts-expect-error A page has no such field.
  data?.campaigns;
}
