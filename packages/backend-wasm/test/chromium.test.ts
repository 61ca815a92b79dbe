import { execFileSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import type { PageResult } from './browser/page.ts';
import { serve, type Site } from './browser/serve.ts';
import { step } from './browser/step.ts';

/** Debian's chromium, where it is installed. */
function browserPath(): string | undefined {
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

const executablePath = browserPath();

describe.skipIf(executablePath === undefined)('in Chromium', () => {
  let [site, browser] = [undefined as Site | undefined, undefined as Browser | undefined];

  beforeAll(async () => {
    site = await serve();
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    site?.close();
  });

  async function visit(path: string): Promise<PageResult> {
    const page = await browser!.newPage();
    const errors: unknown[] = [];
    page.on('pageerror', (error) => errors.push(error));
    page.on('console', (message) => errors.push(message.text()));
    await page.goto(`${site!.origin}${path}`);
    const result = await page.evaluate(async () => (globalThis as unknown as { result: Promise<PageResult> }).result);
    expect(errors).toEqual([]);
    await page.close();
    return result;
  }

  // Oracle: Node's bits. Both engines compile the same modules, and relaxed SIMD is a fused multiply-add in both. simd.test.ts runs this without.
  test.each([['without', '/', false], ['with', '/isolated/', true]])('%s cross-origin isolation: a training step and an input gradient have the bits they have in Node', async (_, path, isolated) => {
    const { variant } = await startWasm();
    const here = await step();
    const there = await visit(variant === 'simd' ? `${path}?plain` : path);
    expect([there.isolated, there.sharedMemory, there.variant]).toEqual([isolated, isolated, variant]);
    expect(there.step).toEqual(here);
    expect(there.again).toEqual(here);
    expect(here.gradient.some((value) => value !== 0)).toBe(true);
  });
});
