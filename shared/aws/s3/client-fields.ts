/** Fields of a call's input that the SDK does not have. */

/** Under this key, a write's input carries the source's Expires header, which need not be a date. */
export const rawExpires = Symbol('rawExpires');

/**
 * Under this key, a GET's input asks for the stored checksum. With `ChecksumMode` the SDK would verify the body by it,
 * and replace the stream by its own; the core does that where nothing else verifies the bytes.
 */
export const asksForChecksum = Symbol('asksForChecksum');
