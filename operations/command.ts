import { Command, InvalidArgumentError, Option } from 'commander';
import { Fault, faultTable } from '../shared/model/faults.ts';
import { visibleLines } from '../shared/model/text.ts';

/**
 * The frame of every command of this project: help, errors and exit codes.
 *
 * A command exits with 0 if all is well, 1 if something is missing, wrong or could not be done, and 2 if an option or
 * the configuration is wrong. A fault is printed as one message, and its row in the fault table gives the exit code.
 * Any other error is a bug: it keeps its stack, and Node exits with 1.
 */

/** The exit code for a wrong option. */
const usageExitCode = 2;

/**
 * A command without options.
 * @param name what a user types to start it
 */
export function createCommand(name: string, description: string): Command {
  return new Command(name).description(description).allowExcessArguments(false);
}

/**
 * The last line of a command's help.
 * @param success what exit code 0 says
 * @param failure what exit code 1 says
 */
export function exitCodesHelp(success: string, failure: string): string {
  return `\nExit codes: 0 ${success}, 1 ${failure}, 2 an option or the configuration is wrong.`;
}

/** `--stack`: the deployed stack that a command works on. */
export function stackOption(): Option {
  return new Option('--stack <name>', 'name of the deployed stack').default('S3Ferry');
}

/** Parses the value of an option that is a count. @throws InvalidArgumentError, which `runCommand` reports */
export function parseCount(text: string): number {
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('expected a whole number, 0 or more');
}

/**
 * Parses the command line, runs the command and sets the exit code.
 * @param run reads the options with `command.opts()`; resolves to the exit code
 */
export async function runCommand(command: Command, run: () => Promise<number>): Promise<void> {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : usageExitCode));
  command.showHelpAfterError('(--help shows the options)');
  // The message quotes what the user typed or pasted.
  command.configureOutput({ outputError: (text, write) => write(visibleLines(text)) });
  command.parse();
  try {
    process.exitCode = await run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${describeFault(error)}\n`);
    process.exitCode = error.exitCode;
  }
}

function describeFault({ name, message }: Fault): string {
  return `${name}: ${visibleLines(message)}\n(${faultTable[name].meaning})`;
}
