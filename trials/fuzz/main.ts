import { parseArgs } from 'node:util';
import { fuzzTarget } from './session.ts';
import { targets } from './targets.ts';

/**
 * `npm run fuzz`: inputs made of the kept ones and of each other, against everything that reads what others wrote. A
 * finding is printed and kept in trials/fuzz/corpus, which `npm test` reads through. Exit codes: 0 nothing was found,
 * 1 something was, 2 an option is wrong.
 */

const help = `npm run fuzz -- [--minutes 10] [--seed 1] [--target ${Object.keys(targets).join('|')}]...`;

function options(): { minutes: number; seed: number; names: readonly string[] } | undefined {
  try {
    const { values } = parseArgs({
      options: {
        minutes: { type: 'string', default: '10' },
        seed: { type: 'string', default: '1' },
        target: { type: 'string', multiple: true, default: Object.keys(targets) },
        help: { type: 'boolean', default: false },
      },
    });
    const minutes = Number(values.minutes);
    const seed = Number(values.seed);
    const known = values.target.every((name) => Object.hasOwn(targets, name));
    if (values.help || !(minutes > 0) || !Number.isSafeInteger(seed) || !known) return undefined;
    return { minutes, seed, names: values.target };
  } catch {
    return undefined;
  }
}

const chosen = options();
if (!chosen) {
  process.stderr.write(`${help}\n`);
  process.exit(process.argv.includes('--help') ? 0 : 2);
}
const { minutes, seed, names } = chosen;
let findings = 0;
let cases = 0;
for (const name of names) {
  const report = await fuzzTarget(name, { seed, milliseconds: (minutes * 60_000) / names.length });
  findings += report.findings.length;
  cases += report.cases;
  process.stdout.write(
    `${name.padEnd(14)} ${String(report.cases).padStart(9)} cases, ${report.signatures} outcomes, ` +
      `${report.kept} inputs kept, ${report.findings.length} findings, slowest ${report.slowest.toFixed(0)} ms\n`,
  );
  for (const { what, input } of report.findings) {
    process.stdout.write(`  ${what}\n  input (base64): ${input.toString('base64').slice(0, 2000)}\n`);
  }
}
process.stdout.write(`${cases} cases, ${findings} findings, seed ${seed}\n`);
process.exitCode = findings > 0 ? 1 : 0;
