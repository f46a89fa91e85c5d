import type { Command } from 'commander';
import { Fault, faultTable } from '../../shared/model/faults.ts';
import { visibleLines } from '../../shared/model/text.ts';

/** Exit codes: 0 all is well, 1 something is missing or wrong, 2 an option or the configuration is. */
const usageExit = 2;

/**
 * Runs a command: faults become one clear message and an exit code, everything else keeps its stack.
 * @param run resolves to the exit code
 */
export async function runCommand(command: Command, run: () => Promise<number>): Promise<void> {
  command.exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : usageExit));
  command.showHelpAfterError('(--help shows the options)');
  command.parse();
  try {
    process.exitCode = await run();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    process.stderr.write(`${error.name}: ${visibleLines(error.message)}\n(${faultTable[error.name].meaning})\n`);
    process.exitCode = error.name === 'InvalidInput' || error.name === 'InvalidTask' ? usageExit : 1;
  }
}
