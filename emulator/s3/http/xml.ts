import { S3Error } from '../errors.ts';

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/';

/**
 * Markup, and characters that a parser would drop or change: control characters (parsers normalize line ends) and the
 * two code points that XML does not allow. S3 writes them as numeric references, too.
 */
// eslint-disable-next-line no-control-regex -- keys may contain control characters
const special = /[&<>"\u0000-\u001f\u007f\ufffe\uffff]/g;
const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Escapes text for element content. */
export function escapeXml(text: string): string {
  return text.replace(special, (c) => named[c] ?? `&#x${c.charCodeAt(0).toString(16)};`);
}

/** An element with text content; '' if the value is undefined. */
export function element(name: string, value: string | number | boolean | undefined): string {
  if (value === undefined) return '';
  return `<${name}>${typeof value === 'string' ? escapeXml(value) : String(value)}</${name}>`;
}

/** An element with children that are already XML. */
export function group(name: string, ...children: readonly string[]): string {
  return `<${name}>${children.join('')}</${name}>`;
}

/** A document in the namespace of S3. */
export function document(root: string, ...children: readonly string[]): string {
  return `${declaration}<${root} xmlns="${namespace}">${children.join('')}</${root}>`;
}

/** A document without a namespace, like the errors of S3. */
export function plainDocument(root: string, ...children: readonly string[]): string {
  return declaration + group(root, ...children);
}

/** An element of a parsed document. */
export interface XmlElement {
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** The text directly in this element, with references resolved and white space kept. */
  readonly text: string;
}

/** All children with this name. */
export function childrenOf(parent: XmlElement, name: string): XmlElement[] {
  return parent.children.filter((child) => child.name === name);
}

/** The text of the first child with this name. */
export function textOf(parent: XmlElement, name: string): string | undefined {
  return parent.children.find((child) => child.name === name)?.text;
}

const predefined: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function resolve(text: string): string {
  const normal = text.replaceAll(/\r\n?/g, '\n');
  if (!normal.includes('&')) return normal;
  return normal.replace(/&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|([a-z]{1,4}));|&/g, (whole, hex, decimal, name) => {
    if (typeof name === 'string' && predefined[name] !== undefined) return predefined[name];
    const code =
      typeof hex === 'string' ? parseInt(hex, 16) : typeof decimal === 'string' ? parseInt(decimal, 10) : NaN;
    if (Number.isNaN(code) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || whole === '&') {
      throw new S3Error('MalformedXML');
    }
    return String.fromCodePoint(code);
  });
}

const attribute = /\s+[\w.:-]+\s*=\s*(?:"[^"<]*"|'[^'<]*')/.source;
const token = new RegExp(
  [
    /<\?[^]*?\?>|<!--[^]*?-->/.source,
    /<!\[CDATA\[([^]*?)\]\]>/.source,
    String.raw`<(\/?)([A-Za-z_][\w.:-]*)((?:${attribute})*)\s*(\/?)>`,
    /([^<]+)|(<)/.source,
  ].join('|'),
  'g',
);

/**
 * Parses a request document. It accepts only what documents of S3 consist of: elements, text, CDATA and comments.
 * Attributes are checked and dropped; document type declarations are refused. General parsers drop text that is only
 * white space, but a single space is a valid key.
 * @throws S3Error MalformedXML, also if the root element has another name
 */
export function parseXml(xml: string, root: string): XmlElement {
  interface Open {
    name: string;
    children: XmlElement[];
    text: string;
  }
  const top: Open = { name: '', children: [], text: '' };
  const stack: Open[] = [top];
  for (const [, cdata, close, name, , selfClosed, text, stray] of xml.replace(/^\uFEFF/, '').matchAll(token)) {
    const current = stack.at(-1) ?? top;
    if (stray !== undefined) throw new S3Error('MalformedXML');
    if (cdata !== undefined) current.text += cdata;
    else if (text !== undefined) current.text += resolve(text);
    else if (name === undefined) continue;
    else if (close === '/') {
      if (stack.length < 2 || current.name !== name) throw new S3Error('MalformedXML');
      stack.pop();
    } else {
      const opened: Open = { name, children: [], text: '' };
      current.children.push(opened);
      if (selfClosed !== '/') stack.push(opened);
    }
  }
  const [found] = top.children;
  if (stack.length !== 1 || top.children.length !== 1 || top.text.trim() !== '' || found?.name !== root) {
    throw new S3Error('MalformedXML');
  }
  return found;
}
