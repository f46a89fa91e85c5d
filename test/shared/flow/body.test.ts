import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { passBody, readBody } from '../../../shared/flow/body.ts';

const pieces = (...texts: string[]): Readable => Readable.from(texts.map((text) => Buffer.from(text)));

describe('readBody', () => {
  it('reads all chunks into the buffer', async () => {
    const into = Buffer.alloc(6);
    await readBody(pieces('ab', 'cdef'), into, 'k');
    expect(into.toString()).toBe('abcdef');
  });

  it.each([
    ['an empty body', [], 0],
    ['a body of one chunk', ['abc'], 3],
  ])('reads %s', async (_name, texts, size) => {
    await expect(readBody(pieces(...texts), Buffer.alloc(size), 'k')).resolves.toBeUndefined();
  });

  it.each([
    ['short', ['ab'], 3, 'k: 2 of 3 bytes arrived'],
    ['empty', [], 3, 'k: 0 of 3 bytes arrived'],
    ['long', ['ab', 'cd'], 3, 'k: more than 3 bytes arrived'],
  ])('throws Truncated for a %s body and destroys it', async (_name, texts, size, message) => {
    const body = pieces(...texts);
    await expect(readBody(body, Buffer.alloc(size), 'k')).rejects.toMatchObject({ name: 'Truncated', message });
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['with an error', new Error('reset')],
    ['without an error', undefined],
  ])('throws Unavailable if the body breaks off %s', async (_name, error) => {
    const body = new PassThrough();
    body.write('ab');
    setImmediate(() => body.destroy(error));
    const message = 'k: the body broke off after 2 bytes';
    await expect(readBody(body, Buffer.alloc(3), 'k')).rejects.toMatchObject({ name: 'Unavailable', message });
  });
});

describe('passBody', () => {
  it('passes all bytes through and shows them', async () => {
    const seen: string[] = [];
    const passed = passBody(pieces('ab', 'cdef'), 6, 'k', (bytes) => seen.push(bytes.toString()));
    expect((await buffer(passed)).toString()).toBe('abcdef');
    expect(seen.join('')).toBe('abcdef');
  });

  it.each([
    ['short', ['ab'], 'k: 2 of 3 bytes arrived'],
    ['long', ['ab', 'cd'], 'k: more than 3 bytes arrived'],
  ])('fails with Truncated for a %s body', async (_name, texts, message) => {
    const body = pieces(...texts);
    await expect(buffer(passBody(body, 3, 'k', () => undefined))).rejects.toMatchObject({ name: 'Truncated', message });
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['with an error', new Error('reset'), 'Unavailable'],
    ['without an error', undefined, 'Truncated'],
  ])('fails if the body breaks off %s', async (_name, error, name) => {
    const body = new PassThrough();
    const passed = passBody(body, 3, 'k', () => undefined);
    body.write('ab');
    setImmediate(() => body.destroy(error));
    await expect(buffer(passed)).rejects.toMatchObject({ name });
  });

  it('destroys the body when its reader stops', async () => {
    const body = new PassThrough();
    const passed = passBody(body, 3, 'k', () => undefined);
    passed.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(body.destroyed).toBe(true);
  });
});

describe('the stall timeout', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('destroys a body after 30 seconds without a byte', async () => {
    const body = new PassThrough();
    const read = readBody(body, Buffer.alloc(3), 'k');
    const failed = expect(read).rejects.toMatchObject({ name: 'Unavailable', message: 'k: no byte arrived for 30 s' });
    await jest.advanceTimersByTimeAsync(29_000);
    expect(body.destroyed).toBe(false);
    await jest.advanceTimersByTimeAsync(3_000);
    await failed;
  });

  it('starts again with every byte', async () => {
    const body = new PassThrough();
    const read = readBody(body, Buffer.alloc(3), 'k');
    for (const text of ['a', 'b', 'c']) {
      await jest.advanceTimersByTimeAsync(29_000);
      body.write(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    body.end();
    await read;
  });

  it('does not count the time of a slow reader', async () => {
    const body = new PassThrough();
    const passed = passBody(body, 300_000, 'k', () => undefined);
    body.write(Buffer.alloc(300_000));
    await jest.advanceTimersByTimeAsync(120_000);
    expect(body.destroyed).toBe(false);
    body.end();
    expect((await buffer(passed)).length).toBe(300_000);
  });
});
