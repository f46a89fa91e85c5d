import { GiB, KiB, MiB, TiB } from './limits.ts';

const units: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: KiB,
  kib: KiB,
  kb: 1000,
  m: MiB,
  mib: MiB,
  mb: 1000 ** 2,
  g: GiB,
  gib: GiB,
  gb: 1000 ** 3,
  t: TiB,
  tib: TiB,
  tb: 1000 ** 4,
};

/**
 * The bytes of a size as people write it: "8388608", "32 MiB", "5GB", "64m" (a single letter is binary, as in the
 * AWS CLI).
 * @returns undefined if the text is not a size, or not a whole number of bytes
 */
export function parseSize(text: string): number | undefined {
  const match = /^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = units[match?.[2]?.toLowerCase() ?? '?'];
  if (match?.[1] === undefined || unit === undefined) return undefined;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes for people: binary units, three figures, such as "126 MiB". */
export function formatSize(bytes: number): string {
  if (bytes < KiB) return `${bytes} B`;
  const names = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / KiB;
  let index = 0;
  while (value >= 999.5 && index < names.length - 1) {
    value /= KiB;
    index++;
  }
  return `${value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${names[index] ?? ''}`;
}
