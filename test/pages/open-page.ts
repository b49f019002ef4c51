import type { Browser, BrowserContextOptions, Page } from 'playwright-core';

/** Opens addresses in a browser. `errors` has everything that breaks in it. */
export class PageOpener {
  readonly errors: string[] = [];
  readonly #browser: Browser;
  readonly #baseUrl: string;

  constructor(browser: Browser, baseUrl: string) {
    this.#browser = browser;
    this.#baseUrl = baseUrl;
  }

  /** With what a reader chose of their browser. Without scripts, every page must still be whole. */
  async open<Result>(
    address: string,
    use: (page: Page) => Promise<Result>,
    options: BrowserContextOptions = {},
  ): Promise<Result> {
    const context = await this.#browser.newContext({ baseURL: this.#baseUrl, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(600_000); // a bound on hanging
    page.on('pageerror', ({ message }) => this.errors.push(message));
    page.on('console', (message) => (message.type() === 'error' ? this.errors.push(message.text()) : undefined));
    await page.goto(address);
    if (options.javaScriptEnabled !== false) await page.waitForSelector('html.live');
    const result = await use(page);
    await context.close();
    return result;
  }
}
