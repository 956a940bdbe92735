// A portal in TypeScript, typed by what openapi-typescript makes of our contract and by nothing else.
// It opens a case, repeats itself, waits for the agency, and reads what happened from the feed.

import createClient from "openapi-fetch";
import { CloudEvent, type CloudEventV1 } from "cloudevents";
import type { components, paths } from "./citizen.js";
import type { paths as FeedPaths } from "./feeds.js";

type Case = components["schemas"]["Case"];

const [baseUrl, token] = process.argv.slice(2) as [string, string];
const headers = { Authorization: `Bearer ${token}` };
const city = createClient<paths>({ baseUrl: `${baseUrl}/v1`, headers });
const feeds = createClient<FeedPaths>({ baseUrl: `${baseUrl}/v1`, headers });

function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`no ${what}`);
  return value;
}

async function open(key: string): Promise<Case> {
  const { data, error, response } = await city.POST("/cases", {
    params: { header: { "Idempotency-Key": key, Prefer: "wait=5", "Accept-Language": "or" } },
    body: {
      service_id: "passport.fresh",
      channel: "WEB", // a member with a default is required by the generated types
      form: {
        scheme: "Normal", given_name: "Test", surname: "Citizen", date_of_birth: "1990-01-01", gender: "F",
        place_of_birth: "Bhubaneswar", address_line1: "Plot 1", district: "Khordha", state: "Odisha",
        pin: "751001", police_station: "Saheed Nagar", mobile: "9000000000",
      },
    },
  });
  if (error) throw new Error(`${response.status} ${error.code}: ${error.detail}`);
  return need(data, "case");
}

async function main(): Promise<void> {
  const first = await open("typescript-1");
  const again = await open("typescript-1");
  if (first.number !== again.number) throw new Error("one key, two numbers");
  let seen: Case = first;
  for (let turn = 0; turn < 20 && !seen.settled; turn++) {
    const got = await city.GET("/cases/{case_id}", { params: { path: { case_id: first.id }, query: { wait: 2 } } });
    seen = need(got.data, "case");
  }
  const refused = await city.POST("/cases", {
    params: { header: { "Idempotency-Key": "typescript-2" } },
    body: { service_id: "passport.fresh", channel: "WEB", form: {} },
  });
  const batch = need((await feeds.GET("/feeds/all", { params: { query: { limit: 100 } } })).data, "feed");
  // `dataschema` may be a reference to our own address; CloudEvents' validator takes nothing but a whole URI.
  const events = (batch as unknown as CloudEventV1<unknown>[]).map(
    (one) => new CloudEvent({ ...one, dataschema: new URL(one.dataschema ?? "", baseUrl).href }, true),
  );
  if (!events.every((event) => event.validate())) throw new Error("an event is not valid");
  console.log(
    JSON.stringify({
      number: seen.number,
      status: seen.status,
      text: seen.status_text,
      refused: refused.error?.code,
      fields: (refused.error?.errors ?? []).length > 0,
      events: events.map((event) => event.type),
      subjects: [...new Set(events.map((event) => event.subject))],
    }),
  );
}

await main();
