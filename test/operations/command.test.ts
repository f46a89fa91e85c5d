import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const moduleUrl = (path: string): string => pathToFileURL(path).href;

/** Runs a command in a process of its own. @param body what the command does, as JavaScript */
async function commandThat(body: string, ...options: string[]): Promise<Ended> {
  const script = `
    import * as frame from '${moduleUrl('operations/command.ts')}';
    const { createCommand, exitCodesHelp, parseCount, runCommand, stackOption } = frame;
    import { Fault } from '${moduleUrl('shared/model/faults.ts')}';
    const command = createCommand('npm run it --', 'Does it.')
      .addOption(stackOption())
      .option('--count <number>', 'a count', parseCount, 1)
      .addHelpText('after', exitCodesHelp('done', 'not done'));
    await runCommand(command, async () => { ${body} });`;
  return new Promise((resolve) => {
    const args = ['--input-type=module', '--eval', script, '--', ...options];
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

const printOptions = 'console.log(JSON.stringify(command.opts())); return 0;';

describe('runCommand', () => {
  it('exits with the code that the command returns', async () => {
    expect(await commandThat('return 1;')).toEqual({ code: 1, stdout: '', stderr: '' });
  });

  it.each([
    { fault: 'InvalidInput', code: 2 },
    { fault: 'InvalidTask', code: 2 },
    { fault: 'UnknownTask', code: 2 },
    { fault: 'AccessDenied', code: 1 },
  ])('exits with $code after a fault $fault, and prints its message and meaning', async ({ fault, code }) => {
    const ended = await commandThat(`throw new Fault('${fault}', 'one\\ntwo\\u001b[2J');`);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^${fault}: one\ntwo\\\\u001b\\[2J\n\\([^\n]+\\)\n$`));
  });

  it('keeps the stack of an error that is not a fault', async () => {
    const { code, stderr } = await commandThat(`throw new TypeError('a bug');`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/TypeError: a bug\n +at /);
  });

  it.each([
    ['an unknown option', ['--nope\u001b[2J'], /^error: unknown option '--nope\\u001b\[2J'\n/],
    ['an excess argument', ['more'], /^error: too many arguments/],
    ['a count that is not a number', ['--count', '-1'], /^error: .*expected a whole number, 0 or more/],
  ])('exits with 2 after %s, and points at --help', async (_what, options, message) => {
    const { code, stdout, stderr } = await commandThat(printOptions, ...options);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/\(--help shows the options\)\n$/);
  });

  it('shows the default stack and the exit codes in --help, and exits with 0', async () => {
    const { code, stdout, stderr } = await commandThat(printOptions, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm run it -- \[options\]\n\nDoes it\.\n/);
    expect(stdout).toMatch(/--stack <name> +name of the deployed stack \(default: "S3Ferry"\)/);
    expect(stdout).toMatch(/Exit codes: 0 done, 1 not done, 2 an option or the configuration is wrong\.\n$/);
  });

  it('reads options', async () => {
    const { stdout } = await commandThat(printOptions, '--count', '12');
    expect(JSON.parse(stdout)).toEqual({ stack: 'S3Ferry', count: 12 });
  });
});
