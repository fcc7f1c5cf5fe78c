// A real browser for the tests, which writes down whatever a page should not have done.
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from "playwright-core";
import { findChromium } from "./chromium.ts";

export interface Visit extends AsyncDisposable {
  readonly page: Page;
  /** What the page said in the console, threw, was forbidden, or asked of another machine. */
  readonly faults: readonly string[];
  /** Every request of the page so far. */
  readonly requests: readonly Request[];
}

export async function openBrowser() {
  const executablePath = await findChromium();
  // The sandbox needs rights that a container does not have.
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return {
    visit: (options: BrowserContextOptions = {}) => openVisit(browser, options),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

async function openVisit(browser: Browser, options: BrowserContextOptions): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  const requests: Request[] = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", ({ message }) => faults.push(`thrown: ${message}`));
  page.on("request", (request) => {
    requests.push(request);
    const { hostname, protocol } = new URL(request.url());
    if (hostname !== "127.0.0.1" && protocol !== "data:") faults.push(`asked elsewhere: ${request.url()}`);
  });
  // The console tells most of them; the event tells all.
  await context.exposeFunction("tellViolation", (what: string) => void faults.push(`forbidden: ${what}`));
  await context.addInitScript(`addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    tellViolation(violatedDirective + " " + blockedURI))`);
  return { page, faults, requests, [Symbol.asyncDispose]: () => context.close() };
}
