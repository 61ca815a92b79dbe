import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { download, type DownloadOptions } from '../src/index.ts';
import { expectCode, range, temporaryFolder, writeFiles } from './fixtures.ts';

// 300 kB that no compression or caching could guess.
const content = Buffer.from(range(300_000).map((i) => (i * 7919 + (i >> 8)) & 255));
const sha256 = createHash('sha256').update(content).digest('hex');
const md5 = createHash('md5').update(content).digest('hex');
const folder = await temporaryFolder();

/** What the server does with a request; each test sets its own. */
let answer: (request: IncomingMessage, response: ServerResponse, count: number) => void;
let requests: (string | undefined)[] = [];
let server: Server;
let url = '';

beforeAll(async () => {
  server = createServer((request, response) => {
    requests.push(request.headers.range);
    answer(request, response, requests.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/files/set.bin`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let next = 0;
function options(more: Partial<DownloadOptions> = {}): DownloadOptions {
  requests = [];
  return { url, sha256, cacheDir: join(folder, String(next++)), retryDelay: 1, ...more };
}

/** A server that takes ranges, as the HTTP standard says. */
function serve(request: IncomingMessage, response: ServerResponse, body: Buffer = content): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
  if (from >= body.length) response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end();
  else if (from < 0) response.writeHead(200, { 'content-length': body.length }).end(body);
  else response.writeHead(206, { 'content-length': body.length - from, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }).end(body.subarray(from));
}

/** Sends some bytes of the whole and drops the connection. */
function cut(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'content-length': content.length });
  response.write(content.subarray(0, bytes), () => setTimeout(() => response.destroy(), 20));
}

const files = (cacheDir: string): string[] => (existsSync(cacheDir) ? readdirSync(cacheDir) : []);

describe('download', () => {
  test('keeps a whole file under its name, tells of progress, and does not fetch it again', async () => {
    answer = (request, response) => serve(request, response);
    const seen: { received: number; total?: number }[] = [];
    const given = options({ bytes: content.length, onProgress: (progress) => seen.push(progress) });
    const path = await download(given);
    expect(path).toBe(join(given.cacheDir, 'set.bin'));
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(files(given.cacheDir)).toEqual(['set.bin']);
    expect(seen.at(-1)).toEqual({ received: 300_000, total: 300_000 });
    expect(seen.every(({ received }, i) => i === 0 || received > seen[i - 1]!.received)).toBe(true);
    await download(given);
    expect(requests).toEqual([undefined]);
  });

  test('takes an MD5 where there is no SHA-256, and refuses to go without both', async () => {
    answer = (request, response) => serve(request, response);
    const { sha256: _, ...rest } = options();
    expect(readFileSync(await download({ ...rest, md5, name: 'other.bin' })).equals(content)).toBe(true);
    await expectCode('RJS_DATA_HASH', () => download(rest));
  });

  test('resumes after a dropped connection, asking for the rest only', async () => {
    answer = (request, response, count) => (count === 1 ? cut(response, 100_000) : serve(request, response));
    const path = await download(options());
    expect(readFileSync(path).equals(content)).toBe(true);
    expect(requests.length).toBe(2);
    const from = Number(/^bytes=(\d+)-$/.exec(requests[1] ?? '')?.[1]);
    expect(from).toBeGreaterThan(0);
    expect(from).toBeLessThanOrEqual(100_000);
  });

  test('resumes what an earlier run left', async () => {
    answer = (request, response) => serve(request, response);
    const given = options();
    await writeFiles(given.cacheDir, { 'set.bin.part': content.subarray(0, 1234) });
    expect(readFileSync(await download(given)).equals(content)).toBe(true);
    expect(requests).toEqual(['bytes=1234-']);
    expect(files(given.cacheDir)).toEqual(['set.bin']);
  });

  test('starts again where the server ignores ranges', async () => {
    answer = (_request, response, count) => (count === 1 ? cut(response, 100_000) : response.writeHead(200, { 'content-length': content.length }).end(content));
    expect(readFileSync(await download(options())).equals(content)).toBe(true);
    expect(requests.length).toBe(2);
  });

  test('starts again where the part left behind belongs to another file, or is too long', async () => {
    answer = (request, response) => serve(request, response);
    const other = options();
    await writeFiles(other.cacheDir, { 'set.bin.part': Buffer.alloc(5000, 1) });
    expect(readFileSync(await download(other)).equals(content)).toBe(true);
    expect(requests).toEqual(['bytes=5000-', undefined]);
    const long = options({ bytes: content.length });
    await writeFiles(long.cacheDir, { 'set.bin.part': Buffer.alloc(400_000, 1) });
    expect(readFileSync(await download(long)).equals(content)).toBe(true);
    expect(requests).toEqual(['bytes=400000-', undefined]);
  });

  test('refuses a file with another hash and leaves nothing behind', async () => {
    answer = (request, response) => serve(request, response, Buffer.from(content).fill(0, 7, 8));
    const given = options();
    expect(await expectCode('RJS_DATA_HASH', () => download(given))).toContain(sha256);
    expect(files(given.cacheDir)).toEqual([]);
  });

  test('refuses a file of another length without waiting for it, even one without an end', async () => {
    answer = (request, response) => serve(request, response);
    await expectCode('RJS_DATA_HASH', () => download(options({ bytes: 1000 })));
    answer = (_request, response) => {
      response.writeHead(200);
      const more = (): void => {
        if (!response.destroyed) response.write(content, () => setTimeout(more, 1));
      };
      more();
    };
    const given = options({ bytes: content.length });
    await expectCode('RJS_DATA_HASH', () => download(given));
    expect(files(given.cacheDir)).toEqual([]);
  });

  test('fetches again a file in the cache that is not the right one', async () => {
    answer = (request, response) => serve(request, response);
    const given = options();
    await writeFiles(given.cacheDir, { 'set.bin': 'damaged' });
    expect(readFileSync(await download(given)).equals(content)).toBe(true);
  });

  test('gives up at once on 404, and after some tries on 503 and on connections that keep dropping', async () => {
    answer = (_request, response) => response.writeHead(404).end('no');
    const missing = options();
    expect(await expectCode('RJS_DATA_DOWNLOAD', () => download(missing))).toContain('404');
    expect([requests.length, files(missing.cacheDir)]).toEqual([1, []]);
    answer = (_request, response) => response.writeHead(503).end();
    await expectCode('RJS_DATA_DOWNLOAD', () => download(options({ retries: 2 })));
    expect(requests.length).toBe(3);
    answer = (_request, response) => response.destroy();
    const dropped = options({ retries: 1 });
    await expectCode('RJS_DATA_DOWNLOAD', () => download(dropped));
    expect(files(dropped.cacheDir)).toEqual([]);
  });

  test('says so when the cache cannot be written', async () => {
    answer = (request, response) => serve(request, response);
    const blocked = options();
    await writeFiles(folder, { [`${next}`]: 'a file, not a folder' });
    expect(await expectCode('RJS_DATA_CACHE', () => download({ ...blocked, cacheDir: join(folder, String(next++), 'sub') }))).toContain('set.bin');
    expect(requests).toEqual([]);
  });

  test('counts silence as a dropped connection', async () => {
    answer = (request, response, count) => {
      if (count === 1) {
        response.writeHead(200, { 'content-length': content.length });
        response.write(content.subarray(0, 1000));
      } else serve(request, response);
    };
    expect(readFileSync(await download(options({ stallTimeout: 200 }))).equals(content)).toBe(true);
    expect(requests).toEqual([undefined, 'bytes=1000-']);
  });

  test('stops when asked, and goes on from there the next time', async () => {
    const controller = new AbortController();
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 50_000));
    };
    const given = options();
    await expectCode('RJS_ABORTED', () => download({ ...given, signal: controller.signal, onProgress: () => controller.abort() }));
    expect(files(given.cacheDir)).toEqual(['set.bin.part']);
    answer = (request, response) => serve(request, response);
    expect(readFileSync(await download(given)).equals(content)).toBe(true);
    expect(requests[1]).toMatch(/^bytes=[1-9]\d*-$/);
  });
});
