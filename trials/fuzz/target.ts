/** Code that reads bytes which others wrote. */
export interface Target {
  /** inputs to begin with, one per kind of input */
  readonly seeds: readonly Buffer[];
  /** words that have a meaning in its inputs */
  readonly words: readonly string[];
  /**
   * Reads one input.
   * @returns the outcome as a signature: two inputs with the same signature took the same path
   * @throws Finding for an outcome that no input may have; any other error is a finding too
   */
  run(input: Buffer): Promise<string> | string;
  close?(): Promise<void>;
}

/** An outcome that no input may have. */
export class Finding extends Error {
  override readonly name = 'Finding';
}

/** An error's name and message without the parts that come from the input. */
export function signatureOf(error: Error): string {
  const text = error.message
    .replace(/(is not JSON|found|Invalid|Unexpected|character|value|Parse Error): ?[^]*/, '$1')
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/[^A-Za-z\n ]+/g, ' ')
    .replace(/ +/g, ' ');
  return `${error.name}: ${text.slice(0, 70)}`;
}

/** Longest message of an error, for any input. */
const longestMessage = 20_000;

/**
 * Runs work that may end in a result or a clean error.
 * @param isClean is this an error that an input may cause?
 */
export async function outcomeOf(work: () => unknown, isClean: (error: Error) => boolean): Promise<string> {
  try {
    return `ok ${shapeOf(await work())}`;
  } catch (error) {
    if (!(error instanceof Error) || error instanceof Finding || !isClean(error)) throw error;
    if (error.message.length > longestMessage) throw new Finding(`a message of ${error.message.length} characters`);
    // eslint-disable-next-line no-control-regex -- a terminal acts on these
    if (/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(error.message)) {
      throw new Finding(`a message with control characters: ${JSON.stringify(error.message.slice(0, 200))}`);
    }
    return signatureOf(error);
  }
}

/** Kinds and sizes of a value, not its content. */
function shapeOf(value: unknown, depth = 0): string {
  if (Array.isArray(value))
    return `[${Math.min(value.length, 3)}${value.length > 0 && depth < 3 ? shapeOf(value[0], depth + 1) : ''}]`;
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? String(value) : typeof value;
  return depth > 2
    ? '{}'
    : `{${Object.entries(value)
        .map(([name, one]) => `${name.slice(0, 20)}:${shapeOf(one, depth + 1)}`)
        .sort()
        .slice(0, 8)
        .join(',')}}`;
}
