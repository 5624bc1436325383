// Asks a running service all questions, with the types that are generated from its description.
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];
type Together = paths["/v1/markets/{market}/items/{item}/bought-together"]["get"];

declare const process: { argv: string[]; exit(code: number): never };
const base = process.argv[2];

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(base + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  if (!response.ok) {
    throw (await response.json()) as Schemas["Problem"];
  }
  return (await response.json()) as T;
}

function must(what: string, holds: boolean): void {
  if (!holds) {
    console.error(`not so: ${what}`);
    process.exit(1);
  }
}

const query: NonNullable<Together["parameters"]["query"]> = { customer: "900", limit: 3, explain: true };
const together = await ask<Schemas["Recommendation_Item"]>(
  "GET",
  `/v1/markets/us/items/1082185/bought-together?customer=${query.customer}&limit=${query.limit}&explain=${query.explain}`,
);
must("three items", together.items.length === 3);
const tier: Schemas["TierName"] = together.items[0].tier;
must("by the model, with a reason", tier === "model" && (together.items[0].reasons ?? [])[0].text.length > 0);
const cart: Schemas["Cart"] = { items: ["1082185", "1029743"], customer: "900", limit: 2, category: [], exclude: [], not_category: [] };
must("two for the cart", (await ask<Schemas["Recommendation_Item"]>("POST", "/v1/markets/us/bought-together", cart)).items.length === 2);
must("alternatives", (await ask<Schemas["Recommendation_Item"]>("GET", "/v1/markets/us/items/1029743/alternatives")).items.length > 0);
const offers: Schemas["Offers"] = { sequence: 1, offers: [{ id: "o1", items: ["1082185"] }] };
must("an offer", (await ask<Schemas["Pushed"]>("PUT", "/v1/markets/us/offers", offers)).accepted === 1);
const ranked = await ask<Schemas["Recommendation_OfferItem"]>("GET", "/v1/markets/us/customers/900/offers");
must("the offer", ranked.items[0].id === "o1" && ranked.items[0].item === "1082185");
const audience = await ask<Schemas["Recommendation_OfferItem"]>("GET", "/v1/markets/us/offers/o1/audience?limit=5");
must("five customers", audience.items.length === 5);
const markets = await ask<Schemas["MarketList"]>("GET", "/v1/markets");
must("a market", markets.markets[0].market === "us");
const problem = await ask("GET", "/v1/markets/nowhere/items/1/bought-together").catch((problem) => problem as Schemas["Problem"]);
must("a problem that names its field", (problem as Schemas["Problem"]).field === "market");
console.log("the program in TypeScript asked everything");
export {};
