// Every form in two renderers that other people wrote, in a real browser. Reads one JSON line of work, tells one of what it saw.
// node forms_check.mjs CHROMIUM BUNDLE < work.json > told.json
import { readFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const [executablePath, bundle] = process.argv.slice(2);
const work = JSON.parse(readFileSync(0, "utf8"));

const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "chromium-")), { executablePath, args: FLAGS });
const page = await context.newPage();
const noise = [];
page.on("pageerror", (error) => noise.push(String(error).slice(0, 300)));
page.on("console", (line) => { if (line.type() === "error") noise.push(line.text().slice(0, 300)); });
await page.setContent('<!doctype html><html lang="en"><body></body></html>');
await page.addScriptTag({ path: bundle });

const settled = () => page.evaluate(() => new Promise((done) => setTimeout(done, 30)));

async function state(name, payload, data) {
  await page.evaluate(([one, two, three]) => window.show(one, two, three), [name, payload, data]);
  await settled();
  await page.evaluate(() => window.check());
  await settled();
  return page.evaluate(() => ({ ...window.told(), text: document.body.innerText, controls: document.querySelectorAll("input,select,textarea").length }));
}

const told = [];
for (const one of work.forms) {
  noise.length = 0;
  const empty = await state(one.renderer, one.payload, {});
  const full = await state(one.renderer, one.payload, one.sample);
  told.push({ service: one.service, renderer: one.renderer, empty, full, noise: [...noise] });
}
for (const one of work.typed ?? []) {
  noise.length = 0;
  await page.evaluate(([a, b, c]) => window.show(a, b, c), [one.renderer, one.payload, {}]);
  const seen = [];
  for (const step of one.steps) {
    if (step.choose) await page.getByLabel(step.choose, { exact: true }).first().click();
    if (step.type) await page.getByLabel(step.into).first().fill(step.type);
    await settled();
    seen.push(await page.evaluate(() => ({ text: document.body.innerText, data: window.told().data })));
  }
  told.push({ service: one.service, renderer: one.renderer, seen, noise: [...noise] });
}
await context.close();
process.stdout.write(JSON.stringify(told));
