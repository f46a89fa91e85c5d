import { KiB, MiB } from '../../shared/model/limits.ts';
import { cross, type Crossing } from './crossing.ts';
import { faultKinds } from './kinds.ts';
import { Dice } from './scheduler.ts';

/**
 * `npm run test:faults`: each fault on each route, and 10,000 objects under several of them at once, over real clients
 * and a real server on loopback. Prints the tables of docs/reliability.md; exits with 1 where an object is lost or wrong.
 */

const seed = Number(process.env['S3_FERRY_SEED'] ?? 1);
const objects = Number(process.env['S3_FERRY_OBJECTS'] ?? 10_000);

const routes = [
  { name: 'put', sizes: Array.from({ length: 60 }, () => 100 * KiB), atOnce: 8 },
  { name: 'multipart', sizes: Array.from({ length: 8 }, (_, index) => 12 * MiB + index), atOnce: 4 },
];
/** Of the requests that a fault can happen to. */
const rate = 0.2;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function row(name: string, route: string, result: Crossing): string {
  const again = ((result.bytesSent - result.bytes) / result.bytes) * 100;
  const cells = [name, route, result.objects, result.injected, result.survived, `${again.toFixed(1)} %`];
  return `| ${[...cells, result.redeliveries, result.lost, result.wrong].join(' | ')} |`;
}

/** Sizes as buckets have them: most are small, most bytes are in few. */
function mixedSizes(dice: Dice, count: number): number[] {
  return Array.from({ length: count }, () => {
    if (dice.chance(0.002)) return 6 * MiB + dice.below(6 * MiB);
    return dice.chance(0.1) ? dice.below(512 * KiB) : dice.below(32 * KiB);
  });
}

function kindOf(name: string): (typeof faultKinds)[number] {
  const kind = faultKinds.find((one) => one.name === name);
  if (!kind) throw new Error(`no fault is named ${name}`);
  return kind;
}

let bad = 0;
const heads = ['fault', 'route', 'objects', 'injected', 'survived', 'sent again', 'redeliveries', 'lost', 'wrong'];
print(`| ${heads.join(' | ')} |`);
print(`|${heads.map(() => ' --- ').join('|')}|`);
for (const kind of faultKinds) {
  for (const { name, sizes, atOnce } of routes) {
    const result = await cross({ sizes, atOnce, faults: [{ kind, rate }], dice: new Dice(seed) });
    if (result.injected > 0) print(row(kind.name, name, result));
    bad += result.lost + result.wrong;
  }
}
if (objects > 0) {
  const dice = new Dice(seed);
  const faults = [
    { kind: kindOf('503 SlowDown'), rate: 0.05 },
    { kind: kindOf('reset before the body'), rate: 0.01 },
    { kind: kindOf('truncated body'), rate: 0.005 },
  ];
  const result = await cross({ sizes: mixedSizes(dice, objects), atOnce: 16, faults, dice });
  print(row('5 % 503, 1 % reset, 0.5 % truncated', 'both', result));
  bad += result.lost + result.wrong;
  print(`\n${result.bytes} bytes of objects, ${result.bytesSent} sent, in ${result.seconds.toFixed(1)} s`);
}
process.exitCode = bad > 0 ? 1 : 0;
