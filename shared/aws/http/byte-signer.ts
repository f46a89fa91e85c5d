import { createHash } from 'node:crypto';
import { SignatureV4SignWithCredentials } from '@aws-sdk/signature-v4-multi-region';

/**
 * Signs header values as the bytes that are sent. Node reads and writes headers as latin1, one character for a byte, so
 * a value passes through byte for byte whatever its encoding. The SDK would sign its characters as UTF-8: metadata with
 * raw UTF-8 or latin1 bytes (MinIO and Ceph store them) could be read, and never be written.
 */
export class ByteSigner extends SignatureV4SignWithCredentials {
  protected override createStringToSign(
    longDate: string,
    credentialScope: string,
    canonicalRequest: string,
    algorithmIdentifier: string,
  ): Promise<string> {
    const hash = createHash('sha256').update(canonicalRequest, 'latin1').digest('hex');
    return Promise.resolve([algorithmIdentifier, longDate, credentialScope, hash].join('\n'));
  }
}
