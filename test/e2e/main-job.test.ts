import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createServer, type AddressInfo } from 'node:net';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../local/run/report.ts';
import { MiB } from '../../shared/model/limits.ts';
import { Child, start, temporary } from '../support/child.ts';
import { bytesOf } from '../support/objects.ts';

/** `npm start` on a directory of its own: the whole pipeline, as a user runs it. */

const place = temporary();
const from = join(place.path, 'files');
const threshold = 6 * MiB;
/** Sizes around the threshold and the part size, and none. */
const sizes = [0, 1, 1000, threshold - 1, threshold, threshold + 1, 5 * MiB, 5 * MiB + 1, 10 * MiB, 23 * MiB + 7];

beforeAll(() => {
  mkdirSync(join(from, 'deep', 'er'), { recursive: true });
  for (const size of sizes) writeFileSync(join(from, `of ${size} bytes.bin`), bytesOf(size));
  for (let number = 0; number < 150; number++)
    writeFileSync(join(from, 'deep', 'er', `é+%2F '${number}'.txt`), String(number));
  symlinkSync(from, join(from, 'loop'));
});

afterAll(() => place.remove());

describe('npm start', () => {
  it('moves every file, verifies it, sees an event through and finds nothing in a second run', async () => {
    const reportFile = join(place.path, 'report.json');
    const options = ['--large-threshold', '6MiB', '--part-size', '5 MiB', '--report', reportFile, '--json'];
    // As a user runs it: with bundles of its own.
    const child = new Child('local/start.ts', ['--from', from, ...options], { S3_FERRY_BUNDLES: '' });
    const { code, stdout, stderr } = await child.ended();
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
    const report = JSON.parse(stdout) as Report;
    expect(JSON.parse(readFileSync(reportFile, 'utf8'))).toEqual(report);
    const bytes = sizes.reduce((sum, size) => sum + size, 0) + 10 * 1 + 90 * 2 + 50 * 3;
    const large = sizes.filter((size) => size > threshold).length;
    expect(report).toMatchObject({
      objects: sizes.length + 150,
      bytes,
      small: sizes.length + 150 - large,
      large,
      executions: large,
      jobs: sizes.length + 150,
      copied: sizes.length + 150,
      failed: 0,
      verified: sizes.length + 150,
      mismatched: 0,
      mismatches: [],
      secondRunJobs: 0,
    });
    // Nothing was sent twice; the one object more is the event's.
    expect(report.bytesSent).toBeGreaterThanOrEqual(bytes);
    expect(report.bytesSent).toBeLessThan(bytes + 1000);
    expect(report.eventSeconds).toEqual(expect.any(Number));
    expect(Object.keys(report.times)).toEqual(['prepare', 'load', 'deploy', 'sync', 'verify', 'event', 'again']);
    expect(report.times.sync).toEqual({
      seconds: expect.any(Number),
      cpuSeconds: expect.any(Number),
      servicesCpuSeconds: expect.any(Number),
    });
    expect(stderr).toMatch(/^sync +[0-9]+ objects\/s \| 160\/160 objects \| .*MiB.*\/s/m);
  });

  it('keeps what is there with --data, and has nothing to do the second time', async () => {
    const data = join(place.path, 'kept');
    const few = join(from, 'deep');
    const first = await start('--from', few, '--data', data, '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ copied: 150, jobs: 150, verified: 150 });
    const second = await start('--from', few, '--data', data, '--json');
    expect(second.code).toBe(0);
    expect(JSON.parse(second.stdout)).toMatchObject({ copied: 0, jobs: 0, verified: 150 });
  });
});

describe('npm start with bad input', () => {
  it.each([
    [['--from', '/no/such/place'], '--from: found "/no/such/place", which does not exist; expected a directory'],
    [['--large-threshold', 'huge'], '--large-threshold: found "huge", expected a size from 0 B to 5.0 GiB'],
    [['--part-size', '4MiB'], '--part-size: found "4MiB", expected a size from 5.0 MiB to 64.0 MiB'],
    [['--port', '99999'], '--port: found "99999", expected a number from 0 to 65535'],
    [['--report', '/no/such/place/report.json'], '--report: found "/no/such/place", which does not exist'],
    [['--fast'], "unknown option '--fast'"],
    [['surplus'], 'too many arguments'],
  ])('%j', async (options, message) => {
    const { code, stdout, stderr } = await start(...options);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('names an empty directory, and one that would load itself', async () => {
    const empty = join(place.path, 'empty');
    mkdirSync(empty);
    expect((await start('--from', empty)).stderr).toContain(`--from: found no files in "${empty}"`);
    expect((await start('--from', from, '--data', join(from, 'data'))).stderr).toContain('which is inside --from');
  });

  it('names a port that is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const { port } = server.address() as AddressInfo;
    const { code, stderr } = await start('--from', join(from, 'deep'), '--port', String(port));
    server.close();
    expect(stderr).toContain(`port ${port} of 127.0.0.1 is in use; choose another one with --port`);
    expect(code).toBe(2);
  });

  it('shows its options', async () => {
    const { code, stdout } = await start('--help');
    expect(code).toBe(0);
    for (const option of ['--from', '--large-threshold', '--part-size', '--data', '--report', '--json', '--help']) {
      expect(stdout).toContain(option);
    }
  });
});
