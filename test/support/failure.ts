/** @returns the error that a promise rejects with. @throws Error if it does not reject, or not with an Error */
export async function failureOf(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error(`expected an Error, but this was thrown: ${String(error)}`, { cause: error });
  }
  throw new Error('expected a failure');
}
