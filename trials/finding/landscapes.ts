import { compareKeys } from '../../shared/find/order.ts';

/** Keys in order, made by arithmetic: none is stored, so there may be any number. */
export interface Landscape {
  readonly name: string;
  readonly count: number;
  /** the key with this index, from 0; keys ascend with it, in the order of UTF-8 bytes */
  readonly key: (index: number) => string;
}

/** How many keys are at or before `key`; all of them for `undefined`'s place at the end. */
export function rankOf({ count, key }: Landscape, bound: string): number {
  let [from, to] = [0, count];
  while (from < to) {
    const middle = Math.floor((from + to) / 2);
    if (compareKeys(key(middle), bound) <= 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** A number from 0 to 1 that looks random and depends on `seed` and `index` alone. */
function noise(seed: number, index: number): number {
  let x = Math.imul(index ^ Math.imul(seed, 0x9e3779b1), 0x85ebca6b) ^ Math.floor(index / 2 ** 32);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  x = Math.imul(x ^ (x >>> 16), 0x27d4eb2f);
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
}

/** Random names of `digits` hexadecimal digits, in order: the index-th of `count`. */
function hex(index: number, count: number, digits: number, seed = 1): string {
  const place = (index + noise(seed, index)) / count;
  const high = Math.floor(place * 2 ** 40);
  const low = Math.floor(noise(seed + 1, index) * 2 ** 32);
  return (high.toString(16).padStart(10, '0') + low.toString(16).padStart(8, '0').repeat(3)).slice(0, digits);
}

function uuid(index: number, count: number, seed = 1): string {
  const text = hex(index, count, 32, seed);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join('-');
}

interface Folder {
  readonly prefix: string;
  readonly weight: number;
}

/** A landscape of folders, each with its share of the keys. @param nameOf the rest of the index-th of `count` keys */
function folders(
  name: string,
  count: number,
  all: readonly Folder[],
  nameOf: (index: number, count: number, folder: number) => string,
): Landscape {
  const sorted = [...all].sort((a, b) => compareKeys(a.prefix, b.prefix));
  const sum = sorted.reduce((total, { weight }) => total + weight, 0);
  const starts = new Float64Array(sorted.length + 1);
  let weight = 0;
  for (const [index, folder] of sorted.entries()) {
    weight += folder.weight;
    starts[index + 1] = Math.round((weight / sum) * count);
  }
  return {
    name,
    count,
    key: (index) => {
      let [from, to] = [0, sorted.length - 1];
      while (from < to) {
        const middle = (from + to + 1) >> 1;
        if (starts[middle]! <= index) from = middle;
        else to = middle - 1;
      }
      const start = starts[from]!;
      return sorted[from]!.prefix + nameOf(index - start, starts[from + 1]! - start, from);
    },
  };
}

const pad = (value: number, digits: number): string => String(Math.floor(value)).padStart(digits, '0');

/** Days from 2021 on, with the weight of a business that grows by half a year and rests on weekends. */
function days(count: number): { year: string; month: string; day: string; weight: number }[] {
  return Array.from({ length: count }, (_day, index) => {
    const date = new Date(Date.UTC(2021, 0, 1 + index));
    const [year = '', month = '', day = ''] = date.toISOString().slice(0, 10).split('-');
    const weekend = date.getUTCDay() % 6 === 0 ? 0.6 : 1;
    return { year, month, day, weight: weekend * 1.5 ** (index / 365) };
  });
}

const syllables =
  'an ar be ca co da de di el en er fa fo ge ha he in is ka la le li lo ma me mi mo na ne no on or pa pe po ra re ri ro sa se si so sta ta te ti to un ve vi wa we'.split(
    ' ',
  );

/** The ten layouts of a bucket. @param count keys of each */
export function landscapes(count: number): Landscape[] {
  const regions =
    'ap-northeast-1 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 eu-west-1 eu-west-2 sa-east-1 us-east-1 us-east-2 us-west-2'.split(
      ' ',
    );
  const accounts = ['111122223333', '123456789012', '444455556666', '777788889999'];
  return [
    { name: 'uuid at the root', count, key: (index) => uuid(index, count) },
    { name: '8-digit names in one folder', count, key: (index) => `images/${pad(index, 8)}.jpg` },
    folders(
      'CloudTrail',
      count,
      accounts.flatMap((account, a) =>
        regions.flatMap((region, r) =>
          days(730).map(({ year, month, day, weight }) => ({
            prefix: `AWSLogs/${account}/CloudTrail/${region}/${year}/${month}/${day}/${account}_CloudTrail_${region}_${year}${month}${day}T`,
            weight: (weight * (region === 'us-east-1' ? 10 : 1 + (r % 3))) / (a + 1),
          })),
        ),
      ),
      (index, of, folder) => {
        const minute = Math.floor((index / of) * 288) * 5;
        return `${pad(minute / 60, 2)}${pad(minute % 60, 2)}Z_${hex(index, of, 16, folder)}.json.gz`;
      },
    ),
    folders(
      'word names',
      count,
      syllables.flatMap((first, a) =>
        syllables.map((second, b) => ({
          prefix: `docs/${first}${second}`,
          weight: (0.2 + noise(3, a)) * (0.2 + noise(4, b)),
        })),
      ),
      (index, of, folder) => {
        const place = (index / of) * syllables.length ** 2;
        const [one, two] = [Math.floor(place / syllables.length), Math.floor(place % syllables.length)];
        return `${syllables[one]}-${syllables[two]}-${hex(index, of, 8, folder)}.pdf`;
      },
    ),
    { name: '12-digit names', count, key: (index) => `scans/${pad(index * 7, 12)}` },
    folders(
      'Zipf over 10,000 tenants',
      count,
      Array.from({ length: 10_000 }, (_tenant, index) => ({
        prefix: `tenant-${pad(index, 5)}/`,
        weight: 1 / (1 + ((index * 7919) % 10_000)),
      })),
      (index, of, folder) => uuid(index, of, folder),
    ),
    {
      name: 'epoch-ms names',
      count,
      key: (index) =>
        `${pad(1_640_995_200_000 + 94_608_000_000 * ((index + noise(5, index)) / count) ** 0.7, 13)}-${pad(index, 9)}.json`,
    },
    folders(
      'yyyy/mm/dd/hh',
      count,
      days(1095).flatMap(({ year, month, day, weight }) =>
        Array.from({ length: 24 }, (_hour, hour) => ({
          prefix: `${year}/${month}/${day}/${pad(hour, 2)}/`,
          weight: weight * (1.2 + Math.sin(hour / 4)),
        })),
      ),
      (index, of, folder) => `${hex(index, of, 12, folder)}.log`,
    ),
    folders(
      'one hot folder of 50%',
      count,
      [
        ...Array.from({ length: 1000 }, (_folder, index) => ({ prefix: `project-${pad(index, 4)}/`, weight: 1 })),
        { prefix: 'project-0371-archive/', weight: 1000 },
      ],
      (index) => `item-${pad(index, 12)}`,
    ),
    folders(
      'hive year=/month=/day=',
      count,
      days(1460).map(({ year, month, day, weight }) => ({
        prefix: `warehouse/events/year=${year}/month=${month}/day=${day}/`,
        weight,
      })),
      (index, of, folder) => `part-${pad(index, 6)}-${uuid(index, of, folder)}.snappy.parquet`,
    ),
  ];
}
