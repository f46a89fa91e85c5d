import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfiguration } from '../../infra/configuration.ts';
import type { Configuration } from '../../shared/model/config/configuration.ts';

const text = JSON.stringify(
  { tasks: [{ name: 'one', source: { bucket: 'from', prefix: 'Grüße/' }, destination: { bucket: 'into' } }] },
  null,
  2,
);

function read(bytes: Buffer | string): Configuration {
  const folder = mkdtempSync(join(tmpdir(), 's3-ferry-'));
  try {
    writeFileSync(join(folder, 'file.json'), bytes);
    return readConfiguration(join(folder, 'file.json'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a configuration file', () => {
  it.each([
    ['a byte order mark', `\ufeff${text}`],
    ["Windows' line ends", text.replaceAll('\n', '\r\n')],
    ['empty lines around it', `\n\n${text}\n\n`],
  ])('may have %s', (_what, bytes) => {
    expect(read(bytes).tasks[0]?.source.prefix).toBe('Grüße/');
  });

  it('in another encoding is refused, because other keys would be read from it', () => {
    const latin1 = Buffer.from(text, 'latin1');
    expect(() => read(latin1)).toThrow(/file\.json: found bytes that are not UTF-8, expected a file saved as UTF-8/);
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    expect(() => read(utf16)).toThrow(/found bytes that are not UTF-8 \(it seems to be UTF-16\)/);
  });
});
