import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { passBody, readBody } from '../../../shared/flow/body.ts';

const pieces = (...texts: string[]): Readable => Readable.from(texts.map((text) => Buffer.from(text)));

describe('readBody', () => {
  it('fills the buffer', async () => {
    const into = Buffer.alloc(6);
    await readBody(pieces('ab', 'cdef'), into, 'k');
    expect(into.toString()).toBe('abcdef');
  });

  it.each([
    ['nothing into nothing', [], 0],
    ['one piece', ['abc'], 3],
  ])('%s', async (_name, texts, size) => {
    await expect(readBody(pieces(...texts), Buffer.alloc(size), 'k')).resolves.toBeUndefined();
  });

  it.each([
    ['short', ['ab'], 3, 'k: 2 of 3 bytes came'],
    ['empty', [], 3, 'k: 0 of 3 bytes came'],
    ['long', ['ab', 'cd'], 3, 'k: more than 3 bytes came'],
  ])('a %s body is Truncated, and is destroyed', async (_name, texts, size, message) => {
    const body = pieces(...texts);
    await expect(readBody(body, Buffer.alloc(size), 'k')).rejects.toMatchObject({ name: 'Truncated', message });
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['with an error', new Error('reset')],
    ['without a word', undefined],
  ])('a body that breaks off %s is Unavailable', async (_name, error) => {
    const body = new PassThrough();
    body.write('ab');
    setImmediate(() => body.destroy(error));
    const message = 'k: the body broke off after 2 bytes';
    await expect(readBody(body, Buffer.alloc(3), 'k')).rejects.toMatchObject({ name: 'Unavailable', message });
  });
});

describe('passBody', () => {
  it('passes everything on and shows it', async () => {
    const seen: string[] = [];
    const passed = passBody(pieces('ab', 'cdef'), 6, 'k', (bytes) => seen.push(bytes.toString()));
    expect((await buffer(passed)).toString()).toBe('abcdef');
    expect(seen.join('')).toBe('abcdef');
  });

  it.each([
    ['short', ['ab'], 'k: 2 of 3 bytes came'],
    ['long', ['ab', 'cd'], 'k: more than 3 bytes came'],
  ])('a %s body is an error of the stream', async (_name, texts, message) => {
    const body = pieces(...texts);
    await expect(buffer(passBody(body, 3, 'k', () => undefined))).rejects.toMatchObject({ name: 'Truncated', message });
    expect(body.destroyed).toBe(true);
  });

  it.each([
    ['with an error', new Error('reset'), 'Unavailable'],
    ['without a word', undefined, 'Truncated'],
  ])('a body that breaks off %s is an error of the stream', async (_name, error, name) => {
    const body = new PassThrough();
    const passed = passBody(body, 3, 'k', () => undefined);
    body.write('ab');
    setImmediate(() => body.destroy(error));
    await expect(buffer(passed)).rejects.toMatchObject({ name });
  });

  it('ends the body when nobody wants the rest', async () => {
    const body = new PassThrough();
    const passed = passBody(body, 3, 'k', () => undefined);
    passed.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(body.destroyed).toBe(true);
  });
});

describe('a stalled body', () => {
  beforeEach(() => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('is given up after half a minute without a byte', async () => {
    const body = new PassThrough();
    const read = readBody(body, Buffer.alloc(3), 'k');
    const failed = expect(read).rejects.toMatchObject({ name: 'Unavailable', message: 'k: no byte came for 30 s' });
    await jest.advanceTimersByTimeAsync(29_000);
    expect(body.destroyed).toBe(false);
    await jest.advanceTimersByTimeAsync(3_000);
    await failed;
  });

  it('that goes on in time is not', async () => {
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

  it('is not the one whose reader is slow', async () => {
    const body = new PassThrough();
    const passed = passBody(body, 300_000, 'k', () => undefined);
    body.write(Buffer.alloc(300_000));
    await jest.advanceTimersByTimeAsync(120_000);
    expect(body.destroyed).toBe(false);
    body.end();
    expect((await buffer(passed)).length).toBe(300_000);
  });
});
