/**
 * Polls until `look` returns a value.
 * @returns the first value that is neither undefined nor false
 * @throws Error after `seconds`, so that a failed test ends
 */
export async function until<Seen>(
  look: () => Seen | undefined | false | Promise<Seen | undefined | false>,
  { every = 20, seconds = 300 }: { /** milliseconds */ every?: number; seconds?: number } = {},
): Promise<Seen> {
  const began = Date.now();
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() - began > seconds * 1000) throw new Error(`nothing was seen for ${seconds} s: ${look.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
