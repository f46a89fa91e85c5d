/** Headers of a signed request that only the store may see. */
const secretHeaders = ['authorization', 'x-amz-security-token'] as const;

const hidden = '(not shown)';

/** Shorter values are not secrets, and would be found in any text. */
const minSecretLength = 16;

/**
 * Removes the credentials of a request from the text of its answer. Stores repeat them when they refuse a request (S3
 * answers `ExpiredToken` with the token), and the text ends up in faults, logs and the ledger. The secret key is not
 * part of the request, so no store can repeat it.
 */
export class Secrets {
  /** each secret plain, URL-encoded, and escaped as in XML */
  readonly #forms: readonly string[];

  /** @param headers the headers of the signed request */
  constructor(headers: Readonly<Record<string, string>>) {
    const whole = secretHeaders.flatMap((name) => headers[name] ?? []);
    const signature = /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    const secrets = [...whole, signature].filter((secret) => secret.length >= minSecretLength);
    this.#forms = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret), xmlText(secret)]))];
  }

  /** The text with every secret replaced. */
  hide(text: string): string {
    return this.#forms.reduce((clean, form) => clean.replaceAll(form, hidden), text);
  }

  /** Does the document contain a secret? Its character references are not resolved. */
  areIn(document: Buffer): boolean {
    return this.#forms.some((form) => document.includes(form));
  }

  /** Does the text contain a secret once its character references are resolved, as an XML parser does? */
  areHiddenIn(xml: string): boolean {
    if (!xml.includes('&#')) return false;
    const resolved = xml.replace(/&#(?:x([0-9a-f]{1,6})|([0-9]{1,7}));/gi, (_, hexadecimal?: string, decimal = '') =>
      String.fromCharCode(hexadecimal === undefined ? Number(decimal) : parseInt(hexadecimal, 16)),
    );
    return this.#forms.some((form) => resolved.includes(form));
  }
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
