// Our own pages, looked at by axe: every form fresh, wrong and read once more. They hold no script, which is counted.
// The pages around the forms are looked at as well, narrow, wide and with the text spacing of WCAG 1.4.12.
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

async function looked(page, name, judged = true) {
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

async function typed(page, sample) {
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

async function form(page, at, one) {
  const line = { service: one.id, fresh: {}, failed: "" };
  try {
    const spoken = work.every ? work.languages : [work.languages[at % 3]];
    for (const language of spoken) {
      await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
      line.fresh[language] = await looked(page, `${one.id}.${language}`);
    }
    const language = work.languages[(at + 1) % 3];
    await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
    await page.locator('button[value="check"]').click();
    line.wrong = await looked(page, `${one.id}.wrong`);
    await page.goto(`${work.base}/forms/${one.id}?lang=${language}`);
    await typed(page, one.sample);
    await page.locator('button[value="check"]').click();
    line.right = await looked(page, `${one.id}.right`, work.every || at % 3 === 0);
    if (work.sends.includes(one.id)) {
      await page.locator('button[value="send"]').click();
      line.sent = await looked(page, `${one.id}.sent`);
      await page.reload();
      line.twice = await looked(page, `${one.id}.twice`);
    }
    await page.goto(`${work.base}/forms/${one.id}/blank?lang=${language}`);
    line.blank = await looked(page, `${one.id}.blank`, work.every || at % 3 === 1);
  } catch (error) {
    line.failed = String(error).slice(0, 400);
  }
  return line;
}

// Keyboard alone: every stop of a page, in order, and whether each can be seen and shows where it is.
async function stops(page) {
  const found = [];
  for (let at = 0; at < 40; at++) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return null;
      const box = one.getBoundingClientRect();
      const style = getComputedStyle(one);
      return { text: one.textContent.trim().slice(0, 40), seen: box.width > 0 && box.right > 0 && box.bottom > 0, ring: parseFloat(style.outlineWidth), top: Math.round(box.top + window.scrollY) };
    });
    if (!stop) break;
    found.push(stop);
  }
  return found;
}

const SPACED = "*{line-height:1.5!important;letter-spacing:.12em!important;word-spacing:.16em!important}p{margin-bottom:2em!important}";
const cut = () => [...document.querySelectorAll("main *, header *")].filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflow === "hidden").length;

async function around(page, address) {
  const seen = {};
  for (const language of work.languages) {
    await page.setViewportSize({ width: 320, height: 640 });
    await page.goto(`${work.base}${address}${address.includes("?") ? "&" : "?"}lang=${language}`);
    seen[`${language}.narrow`] = await looked(page, `around.${language}`);
    if (language === "or") seen.stops = await stops(page);
    await page.setViewportSize({ width: 1280, height: 900 });
    seen[`${language}.wide`] = await looked(page, `around.${language}`);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.evaluate((rule) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(rule); document.adoptedStyleSheets = [sheet]; }, SPACED);
    seen[`${language}.spaced`] = { ...(await looked(page, `around.${language}`, false)), cut: await page.evaluate(cut) };
  }
  return { address, seen };
}

async function search(page, language, words) {
  await page.goto(`${work.base}/catalogue?lang=${language}`);
  await page.fill("#words", words);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/catalogue/search");
  return { words, ...(await looked(page, `search.${language}`)) };
}

// Two pages at once, one a core.
async function shared(jobs) {
  const made = new Array(jobs.length);
  let next = 0;
  await Promise.all([0, 1].map(async () => {
    const page = await context.newPage();
    while (next < jobs.length) {
      const at = next++;
      made[at] = await jobs[at](page);
    }
    await page.close();
  }));
  return made;
}

const told = await shared(work.services.map((one, at) => (page) => form(page, at, one)));
const other = await shared(work.around.map((address) => (page) => around(page, address)));
const found = await shared(work.searches.map(([language, words]) => (page) => search(page, language, words)));
await context.close();
process.stdout.write(JSON.stringify({ told, around: other, found }));
