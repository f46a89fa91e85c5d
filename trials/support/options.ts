import { InvalidArgumentError } from 'commander';

/**
 * Parsers of option values for the commands in this folder. Each throws InvalidArgumentError, which the frame reports.
 */

/** A whole number of at most nine digits. */
export function wholeNumber(least = 0): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,9}$/.test(text) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`expected a whole number, ${least} or more`);
  };
}

/** A number of minutes, such as 0.5. */
export function minutes(least: number, most: number): (text: string) => number {
  return (text) => {
    if (/^[0-9]+(\.[0-9]+)?$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new InvalidArgumentError(`expected a number from ${least} to ${most}`);
  };
}
