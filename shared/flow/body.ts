import { Transform, type Readable } from 'node:stream';
import { Fault } from '../model/faults.ts';

/** Milliseconds without a byte after which a body counts as stalled. S3 answers within seconds or not at all. */
const stallTimeout = 30_000;

/**
 * Reads a body into memory that is as long as the body is to be.
 * @param what the object or part, for messages
 * @throws Fault `Truncated` where fewer or more bytes come, `Unavailable` where the stream fails or stalls
 */
export async function readBody(body: Readable, into: Buffer, what: string): Promise<void> {
  let filled = 0;
  const guard = guardAgainstStall(body, what);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      guard.alive();
      if (filled + chunk.length > into.length)
        throw new Fault('Truncated', `${what}: more than ${into.length} bytes came`);
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
  if (filled !== into.length) throw new Fault('Truncated', `${what}: ${filled} of ${into.length} bytes came`);
}

/**
 * Passes a body on, shows every piece to `look`, and makes a short, long, broken or stalled one an error of the
 * stream, so that the request that sends it fails too.
 * @param size bytes that are to come
 */
export function passBody(body: Readable, size: number, what: string, look: (bytes: Buffer) => void): Readable {
  let passed = 0;
  const guard = guardAgainstStall(body, what, () => through.writableNeedDrain);
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      guard.alive();
      passed += chunk.length;
      if (passed > size) {
        done(new Fault('Truncated', `${what}: more than ${size} bytes came`));
        return;
      }
      look(chunk);
      done(null, chunk);
    },
    flush(done) {
      done(passed === size ? null : new Fault('Truncated', `${what}: ${passed} of ${size} bytes came`));
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
  // Destroyed without an error, a stream ends neither well nor badly: nobody would hear of it.
  body.once('close', () => {
    if (!body.readableEnded) through.destroy(new Fault('Truncated', `${what}: ${passed} of ${size} bytes came`));
  });
  return body.pipe(through);
}

/**
 * Destroys the body with a fault when no byte comes for too long; a reader that is slow itself does not count.
 * @param held is the reader holding the body back?
 */
function guardAgainstStall(
  body: Readable,
  what: string,
  held: () => boolean = () => false,
): { alive(): void; end(): void } {
  let last = Date.now();
  const timer = setInterval(() => {
    // Bytes that wait to be read are the reader's delay, not the store's.
    if (body.readableLength > 0 || held()) last = Date.now();
    else if (Date.now() - last > stallTimeout) {
      body.destroy(new Fault('Unavailable', `${what}: no byte came for ${stallTimeout / 1000} s`));
    }
  }, 1000);
  timer.unref();
  return { alive: () => (last = Date.now()), end: () => clearInterval(timer) };
}
