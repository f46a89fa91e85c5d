import { createCommand, exitCodesHelp, runCommand } from '../../operations/command.ts';
import { Option } from 'commander';
import { minutes, wholeNumber } from '../support/options.ts';
import { fuzzTarget } from './session.ts';
import { targets } from './targets.ts';

/**
 * `npm run fuzz`: inputs made of kept ones and of each other, against all code that reads what others wrote. A finding
 * is printed and kept in trials/fuzz/corpus, which `npm test` reads. An input may end in a result or in a clean error;
 * it may not crash, hang, fill the memory or write control characters. Prints the numbers of docs/results/fuzz.md.
 */

interface Options {
  minutes: number;
  seed: number;
  target: readonly string[];
}

const command = createCommand('npm run fuzz --', 'Fuzzes all code that reads what others wrote.')
  .option('--minutes <number>', 'time for all targets together', minutes(0.01, 24 * 60), 10)
  .option('--seed <number>', 'the inputs are drawn from it', wholeNumber(), 1)
  .addOption(
    new Option('--target <name...>', 'only these targets').choices(Object.keys(targets)).default(Object.keys(targets)),
  )
  .addHelpText('after', exitCodesHelp('nothing was found', 'something was found'));

await runCommand(command, async () => {
  const options = command.opts<Options>();
  const { seed, target: names } = options;
  let findings = 0;
  let cases = 0;
  for (const name of names) {
    const report = await fuzzTarget(name, { seed, milliseconds: (options.minutes * 60_000) / names.length });
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
  return findings > 0 ? 1 : 0;
});
