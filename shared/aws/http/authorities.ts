import { readFileSync } from 'node:fs';
import { Fault } from '../../model/faults.ts';
import type { Environment } from './proxy.ts';

const variable = 'AWS_CA_BUNDLE';

const read = new Map<string, readonly string[]>();

/**
 * The certificates in the file that AWS_CA_BUNDLE names. They are trusted instead of the built-in ones, as by the AWS
 * command line (its "Environment variables"). Node itself knows NODE_EXTRA_CA_CERTS, whose certificates are trusted
 * beside the built-in ones. A file is read once.
 * @returns certificates in PEM; undefined without the variable
 * @throws Fault `InvalidInput` if the file cannot be read or has no certificate
 */
export function bundledAuthorities(environment: Environment): readonly string[] | undefined {
  const path = environment[variable];
  if (path === undefined || path === '') return undefined;
  let bundle = read.get(path);
  if (!bundle) {
    bundle = certificatesIn(contentOf(path));
    if (bundle.length === 0) throw malformed(path, 'no certificate in it');
    read.set(path, bundle);
  }
  return bundle;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw malformed(path, error instanceof Error ? error.message : String(error));
  }
}

/** The blocks of a PEM text that are certificates. */
function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

function malformed(path: string, found: string): Fault {
  return new Fault(
    'InvalidInput',
    `environment: ${variable}: found "${path}" (${found}), expected a file of certificates in PEM`,
  );
}
