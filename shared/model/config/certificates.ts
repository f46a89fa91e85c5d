import { X509Certificate } from 'node:crypto';
import * as v from 'valibot';

/** Certificates of authorities, as PEM text: one or more, with whatever people keep between them. */

const block = /-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----/g;
const expected = 'expected certificates in PEM: -----BEGIN CERTIFICATE-----, base64, -----END CERTIFICATE-----';

/**
 * The schema of such a text, which is reduced to its certificates. Private keys are refused, and never repeated.
 * @param description of the field
 */
export const certificatesSchema = (description: string) =>
  v.pipe(
    v.string(expected),
    v.description(description),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const blocks = [...dataset.value.matchAll(block)];
      if (blocks.some(([, kind = '']) => kind.includes('PRIVATE KEY'))) {
        addIssue({
          message: 'found a private key, expected certificates alone; replace that key, which others can read',
        });
        return NEVER;
      }
      const certificates = blocks.filter(([, kind]) => kind === 'CERTIFICATE').map(([pem]) => normal(pem));
      if (certificates.length === 0 || certificates.includes(undefined)) {
        addIssue({ message: expected });
        return NEVER;
      }
      return certificates.join('');
    }),
  );

function normal(pem: string): string | undefined {
  try {
    return new X509Certificate(pem).toString();
  } catch {
    return undefined;
  }
}
