import { Transform, type Readable } from 'node:stream';
import { asFault, Fault } from '../model/faults.ts';

/**
 * This folder bounds what moving bytes may take. body.ts bounds one body: exactly as many bytes as announced, and no
 * stall. buffer-pool.ts bounds the memory of all bodies of a process. concurrently.ts bounds how much runs at once.
 * Nothing here knows of objects or stores.
 */

/** Time without a byte after which a body counts as stalled. S3 sends bytes within seconds or not at all. */
const stallTimeoutMillis = 30_000;

/**
 * Reads a body into a buffer of the body's expected length.
 * @param what names the object or part in messages
 * @throws Fault `Truncated` if fewer or more bytes arrive, `Unavailable` if the stream fails or stalls
 */
export async function readBody(body: Readable, into: Buffer, what: string): Promise<void> {
  let filled = 0;
  const guard = guardAgainstStall(body, what);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      guard.alive();
      if (filled + chunk.length > into.length)
        throw new Fault('Truncated', `${what}: more than ${into.length} bytes arrived`);
      chunk.copy(into, filled);
      filled += chunk.length;
    }
  } catch (error) {
    throw error instanceof Fault
      ? error
      : new Fault('Unavailable', `${what}: the body broke off after ${filled} bytes`, { cause: error });
  } finally {
    guard.end();
    body.destroy();
  }
  if (filled !== into.length) throw new Fault('Truncated', `${what}: ${filled} of ${into.length} bytes arrived`);
}

/**
 * Passes a body through and shows every chunk to `look`. If that throws, or the body is short, long, broken or stalled,
 * the returned stream fails, and with it the request that sends it.
 * @param size the bytes expected
 * @param what names the object or part in messages
 */
export function passBody(body: Readable, size: number, what: string, look: (bytes: Buffer) => void): Readable {
  let passed = 0;
  const guard = guardAgainstStall(body, what, () => through.writableNeedDrain);
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      guard.alive();
      passed += chunk.length;
      if (passed > size) {
        done(new Fault('Truncated', `${what}: more than ${size} bytes arrived`));
        return;
      }
      try {
        look(chunk);
        done(null, chunk);
      } catch (error) {
        done(asFault(error));
      }
    },
    flush(done) {
      done(passed === size ? null : new Fault('Truncated', `${what}: ${passed} of ${size} bytes arrived`));
    },
    destroy(error, done) {
      guard.end();
      body.destroy();
      done(error);
    },
  });
  body.once('error', (error) => {
    const fault =
      error instanceof Fault
        ? error
        : new Fault('Unavailable', `${what}: the body broke off after ${passed} bytes`, { cause: error });
    through.destroy(fault);
  });
  // A stream that is destroyed without an error emits neither 'end' nor 'error'; only 'close' shows it.
  body.once('close', () => {
    if (!body.readableEnded) through.destroy(new Fault('Truncated', `${what}: ${passed} of ${size} bytes arrived`));
  });
  return body.pipe(through);
}

/**
 * Destroys the body with a fault if no byte arrives for too long. The time of a slow reader does not count.
 * @param held whether the reader is holding the body back
 */
function guardAgainstStall(
  body: Readable,
  what: string,
  held: () => boolean = () => false,
): { alive(): void; end(): void } {
  let last = Date.now();
  const timer = setInterval(() => {
    // Bytes that wait in the buffer are the reader's delay, not the store's.
    if (body.readableLength > 0 || held()) last = Date.now();
    else if (Date.now() - last > stallTimeoutMillis) {
      body.destroy(new Fault('Unavailable', `${what}: no byte arrived for ${stallTimeoutMillis / 1000} s`));
    }
  }, 1000);
  timer.unref();
  return { alive: () => (last = Date.now()), end: () => clearInterval(timer) };
}
