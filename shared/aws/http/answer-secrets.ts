/** Headers of a signed request that are nobody's business but the store's. */
const secretHeaders = ['authorization', 'x-amz-security-token'] as const;

const hidden = '(not shown)';

/** Shorter ones are none, and would be found everywhere. */
const shortest = 16;

/**
 * Takes what a request was signed with out of texts of its answer. Stores repeat it when they refuse a request (S3
 * answers `ExpiredToken` with the token), and what a store says ends in faults, logs and the ledger. The secret key is
 * not in the request, so no store can repeat it.
 */
export class Secrets {
  /** as they are, and as URLs and XML have them */
  readonly #forms: readonly string[];

  /** @param headers those of the signed request */
  constructor(headers: Readonly<Record<string, string>>) {
    const whole = secretHeaders.flatMap((name) => headers[name] ?? []);
    const signature = /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? '';
    const secrets = [...whole, signature].filter((secret) => secret.length >= shortest);
    this.#forms = [...new Set(secrets.flatMap((secret) => [secret, encodeURIComponent(secret), xmlText(secret)]))];
  }

  hide(text: string): string {
    return this.#forms.reduce((clean, form) => clean.replaceAll(form, hidden), text);
  }

  /** Are some in the text when its character references are resolved, as a reader of XML does? */
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
