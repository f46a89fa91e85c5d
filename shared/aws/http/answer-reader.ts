/**
 * Reads documents of XML byte by byte, as far as S3 writes them: elements with either text or elements in them, and
 * references to the five characters that XML itself names. Whatever else XML allows ends in {@link UnknownForm}.
 */

/** The document, or a value in it, has a form that is not read here. It may be valid nevertheless. */
export class UnknownForm extends Error {
  override readonly name = 'UnknownForm';
}

const lessThan = 0x3c;
const greaterThan = 0x3e;
const slash = 0x2f;
const ampersand = 0x26;
const zero = 0x30;
const dot = 0x2e;

/** Numbers of this many digits are exact. */
const maxDigits = 15;
const daysOver28 = [3, 0, 3, 2, 3, 2, 3, 3, 2, 3, 2, 3];

/** A place in a document. Methods that take a name read on from behind the opening tag of that name. */
export class DocumentReader {
  /** is the element whose opening tag was read last without content, as `<Prefix/>`? */
  isEmpty = false;
  readonly #bytes: Buffer;
  #at = 0;
  /** of the tag that was read last */
  #nameStart = 0;
  #nameEnd = 0;
  #lastText = '';

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Skips an element whose opening tag was read. */
  skip(name: string, depth = 0): void {
    if (this.isEmpty) return;
    if (depth > maxDepth) throw new UnknownForm();
    const bytes = this.#bytes;
    for (;;) {
      // An element has either text or elements.
      const start = this.#at;
      this.#at = this.#find(lessThan, start);
      const isClosing = bytes[this.#at + 1] === slash;
      if (!isClosing) {
        this.#at = start;
        if (!this.openTag()) throw new UnknownForm();
        this.skip(this.name(), depth + 1);
        continue;
      }
      this.closeTag(name);
      return;
    }
  }

  /** The text of an element whose opening tag was read, with its closing tag. */
  text(name: string): string {
    if (this.isEmpty) return '';
    const start = this.#at;
    const end = this.#find(lessThan, start);
    this.#at = end;
    this.closeTag(name);
    return textOf(this.#bytes, start, end);
  }

  /** As S3 writes it, in quotes that are escaped; or any other text. */
  etag(name: string): string {
    const bytes = this.#bytes;
    const start = this.#at + quote.length;
    const end = start + md5Length;
    if (this.#isQuote(this.#at) && this.#isQuote(end) && bytes[end + quote.length] === lessThan) {
      const etag = bytes.toString('latin1', start, end);
      if (md5Form.test(etag)) {
        this.#at = end + quote.length;
        this.closeTag(name);
        return `"${etag}"`;
      }
    }
    return this.text(name);
  }

  #isQuote(at: number): boolean {
    for (let index = 0; index < quote.length; index++) {
      if (this.#bytes[at + index] !== quote.charCodeAt(index)) return false;
    }
    return true;
  }

  /** A text that nearly all elements of this name share, such as a storage class. */
  repeatedText(name: string): string {
    const before = this.#lastText;
    const end = this.#at + before.length;
    if (!this.isEmpty && before !== '' && this.#bytes[end] === lessThan) {
      let index = 0;
      while (index < before.length && this.#bytes[this.#at + index] === before.charCodeAt(index)) index++;
      if (index === before.length) {
        this.#at = end;
        this.closeTag(name);
        return before;
      }
    }
    const text = this.text(name);
    // Other characters might be escaped.
    this.#lastText = /^[A-Z_]+$/.test(text) ? text : '';
    return text;
  }

  /** A whole number that is not negative. */
  number(name: string): number {
    if (this.isEmpty) throw new UnknownForm();
    const start = this.#at;
    const value = this.#digits(maxDigits);
    const length = this.#at - start;
    if (length === 0 || (length > 1 && this.#bytes[start] === zero)) throw new UnknownForm();
    this.closeTag(name);
    return value;
  }

  /** A date as S3 writes it, in milliseconds since the epoch: `2026-11-25T08:30:00.000Z`. */
  date(name: string): number {
    if (this.isEmpty) throw new UnknownForm();
    const year = this.#fixed(4);
    const month = this.#fixed(2, '-');
    const day = this.#fixed(2, '-');
    const hour = this.#fixed(2, 'T');
    const minute = this.#fixed(2, ':');
    const second = this.#fixed(2, ':');
    const millis = this.#bytes[this.#at] === dot ? this.#fixed(3, '.') : 0;
    this.#expect('Z');
    this.closeTag(name);
    const isDate = month >= 1 && month <= 12 && day >= 1 && day <= 28 + (daysOver28[month - 1] ?? 0);
    // From 1970 on is what the SDK's forms hold. The 29th of February is left to it.
    if (!isDate || year < 1970 || hour > 23 || minute > 59 || second > 59) throw new UnknownForm();
    return Date.UTC(year, month - 1, day, hour, minute, second, millis);
  }

  /** A number of exactly so many digits, after this character. */
  #fixed(length: number, after?: string): number {
    if (after !== undefined) this.#expect(after);
    const start = this.#at;
    const value = this.#digits(length);
    if (this.#at - start !== length) throw new UnknownForm();
    return value;
  }

  /** A number of up to so many digits. */
  #digits(most: number): number {
    const bytes = this.#bytes;
    const end = this.#at + most;
    let value = 0;
    let at = this.#at;
    for (; at < end; at++) {
      const digit = (bytes[at] ?? 0) - zero;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.#at = at;
    return value;
  }

  #expect(character: string): void {
    if (this.#bytes[this.#at] !== character.charCodeAt(0)) throw new UnknownForm();
    this.#at++;
  }

  /** Reads an opening tag after spaces. @returns false if a closing tag follows */
  openTag(): boolean {
    this.#skipSpace();
    const bytes = this.#bytes;
    if (bytes[this.#at] !== lessThan) throw new UnknownForm();
    if (bytes[this.#at + 1] === slash) return false;
    let at = this.#at + 1;
    this.#nameStart = at;
    while (isNameByte(bytes[at])) at++;
    this.#nameEnd = at;
    if (at === this.#nameStart) throw new UnknownForm();
    if (bytes[at] === greaterThan) {
      this.#at = at + 1;
      this.isEmpty = false;
      return true;
    }
    const end = this.#find(greaterThan, at);
    this.isEmpty = bytes[end - 1] === slash;
    const attributes = bytes.toString('latin1', at, this.isEmpty ? end - 1 : end);
    if (!attributesForm.test(attributes)) throw new UnknownForm();
    this.#at = end + 1;
    return true;
  }

  /** Reads the closing tag of the element. */
  closeTag(name: string): void {
    const bytes = this.#bytes;
    const at = this.#at;
    const end = at + 2 + name.length;
    if (bytes[at] !== lessThan || bytes[at + 1] !== slash || bytes[end] !== greaterThan) throw new UnknownForm();
    for (let index = 0; index < name.length; index++) {
      if (bytes[at + 2 + index] !== name.charCodeAt(index)) throw new UnknownForm();
    }
    this.#at = end + 1;
  }

  /** The name of the tag that was read last. */
  name(): string {
    const known = knownNames[this.#nameEnd - this.#nameStart];
    if (known) {
      for (const name of known) if (this.#isNamed(name)) return name;
    }
    return this.#bytes.toString('latin1', this.#nameStart, this.#nameEnd);
  }

  #isNamed(name: string): boolean {
    for (let index = 0; index < name.length; index++) {
      if (this.#bytes[this.#nameStart + index] !== name.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Skips the declaration before the root element. */
  begin(): void {
    this.#skipSpace();
    const head = this.#bytes.toString('latin1', this.#at, this.#at + 100);
    this.#at += declarationForm.exec(head)?.[0].length ?? 0;
  }

  #skipSpace(): void {
    const bytes = this.#bytes;
    while (isSpace(bytes[this.#at])) this.#at++;
  }

  #find(byte: number, from: number): number {
    const bytes = this.#bytes;
    // Most texts are shorter than a call of indexOf is worth.
    for (let at = from; at < from + 80 && at < bytes.length; at++) if (bytes[at] === byte) return at;
    const at = bytes.indexOf(byte, from);
    if (at < 0) throw new UnknownForm();
    return at;
  }
  /** Fails unless the document ends here. */
  end(): void {
    this.#skipSpace();
    if (this.#at !== this.#bytes.length) throw new UnknownForm();
  }

  /** `true` or `false`. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === 'true') return true;
    if (text === 'false') return false;
    throw new UnknownForm();
  }
}

const maxDepth = 8;
/** Longer than any text of S3's: a key has up to 1,024 bytes, each in up to three characters. */
const maxTextBytes = 8192;

/** The names that a listing has most often, by their length: they are not made into texts again and again. */
const knownNames: (readonly string[] | undefined)[] = [];
for (const name of [
  ...['Key', 'ETag', 'Size', 'Owner', 'LastModified', 'StorageClass', 'Contents', 'ID', 'DisplayName', 'Type'],
  ...['ChecksumType', 'ChecksumAlgorithm', 'RestoreStatus', 'IsRestoreInProgress', 'RestoreExpiryDate'],
]) {
  knownNames[name.length] = [...(knownNames[name.length] ?? []), name];
}

const quote = '&quot;';
const md5Length = 32;
const md5Form = /^[0-9a-f]{32}$/;
const declarationForm = /^<\?xml version="1\.0"(?: encoding="(?:UTF|utf)-8")?(?: standalone="(?:yes|no)")?\s*\?>/;
const attributesForm = /^(?:\s+[A-Za-z][\w.:-]*="[^"<&]*")*\s*$/;

function isNameByte(byte = 0): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39);
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The text between two places, which has no tag in it. */
function textOf(bytes: Buffer, start: number, end: number): string {
  if (end - start > maxTextBytes) throw new UnknownForm();
  let isAscii = true;
  let isPlain = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80) isAscii = false;
    // A line end or a control character may change on its way through an XML parser.
    else if (byte < 0x20 || byte === greaterThan) throw new UnknownForm();
    else if (byte === ampersand) isPlain = false;
  }
  const text = bytes.toString(isAscii ? 'latin1' : 'utf8', start, end);
  return isPlain ? text : text.replace(/&([^;&]{0,6};?)/g, resolved);
}

/** The five characters that XML itself names. */
const named: Readonly<Record<string, string>> = { 'amp;': '&', 'lt;': '<', 'gt;': '>', 'quot;': '"', 'apos;': "'" };

function resolved(_reference: string, name: string): string {
  if (!Object.hasOwn(named, name)) throw new UnknownForm();
  return named[name] as string;
}
