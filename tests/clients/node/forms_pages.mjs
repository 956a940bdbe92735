// Our own pages, looked at by axe: every form fresh, wrong and read once more. They hold no script, which is counted.
// node forms_pages.mjs CHROMIUM AXE < work.json > told.json
import { readFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
const RULES = { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] } };
const [executablePath, axe] = process.argv.slice(2);
const work = JSON.parse(readFileSync(0, "utf8"));
const source = readFileSync(axe, "utf8");

const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "chromium-")), {
  executablePath, args: FLAGS, viewport: { width: 390, height: 844 },
});
const page = await context.newPage();

async function looked(name, judged = true) {
  const found = { violations: [] };
  if (judged) {
    await page.evaluate(source);
    found.violations = await page.evaluate((rules) => window.axe.run(document, rules).then((all) => all.violations), RULES);
  }
  const seen = await page.evaluate(() => ({
    language: document.documentElement.lang,
    title: document.title,
    summary: [...document.querySelectorAll(".errors a")].map((link) => [link.getAttribute("href"), link.textContent.trim()]),
    beside: [...document.querySelectorAll("[aria-invalid]")].length,
    dangling: [...document.querySelectorAll(".errors a")].filter((link) => !document.querySelector(link.getAttribute("href"))).length,
    scripts: document.scripts.length,
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    number: document.querySelector(".number:not(input)")?.textContent ?? "",
    text: document.body.innerText,
  }));
  if (work.shots && work.few.some((one) => name.startsWith(one))) await page.screenshot({ path: join(work.shots, `${name}.png`), fullPage: true });
  return { ...seen, violations: found.violations.map((one) => `${one.id}: ${one.nodes[0]?.html.slice(0, 120)}`) };
}

async function typed(sample) {
  for (const [name, value] of Object.entries(sample)) {
    const field = page.locator(`[name="${name}"]`);
    const kind = await field.first().getAttribute("type");
    if (kind === "radio" || kind === "checkbox") {
      for (const each of Array.isArray(value) ? value : [value]) await page.locator(`[name="${name}"][value="${each}"]`).check();
    } else if ((await field.evaluate((one) => one.tagName)) === "SELECT") await field.selectOption(String(value));
    else if (kind === "datetime-local") await field.fill(String(value).slice(0, 16));
    else await field.fill(String(value));
  }
}

const told = [];
for (const [at, one] of work.services.entries()) {
  const line = { service: one.id, fresh: {}, failed: "" };
  try {
    const spoken = work.every ? work.languages : [work.languages[at % 3]];
    for (const language of spoken) {
      await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
      line.fresh[language] = await looked(`${one.id}.${language}`);
    }
    const language = work.languages[(at + 1) % 3];
    await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
    await page.locator('button[value="check"]').click();
    line.wrong = await looked(`${one.id}.wrong`);
    await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
    await typed(one.sample);
    await page.locator('button[value="check"]').click();
    line.right = await looked(`${one.id}.right`, work.every || at % 3 === 0);
    if (work.sends.includes(one.id)) {
      await page.locator('button[value="send"]').click();
      line.sent = await looked(`${one.id}.sent`);
      await page.reload();
      line.twice = await looked(`${one.id}.twice`);
    }
    await page.goto(`${work.base}/forms/${one.id}/blank?lang=${language}`);
    line.blank = await looked(`${one.id}.blank`, work.every || at % 3 === 1);
  } catch (error) {
    line.failed = String(error).slice(0, 400);
  }
  told.push(line);
}
await page.goto(`${work.base}/forms?lang=or`);
const list = await looked("list");
await context.close();
process.stdout.write(JSON.stringify({ told, list }));
