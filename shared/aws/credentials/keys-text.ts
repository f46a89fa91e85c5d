import * as v from 'valibot';
import { Fault } from '../../model/faults.ts';
import { parseJsonWith } from '../../model/parse.ts';
import type { SideKeys } from './key-source.ts';

/** The JSON in a SecureString or a secret. */
const keysSchema = v.object({
  aws_access_key_id: v.pipe(v.string(), v.minLength(1)),
  aws_secret_access_key: v.pipe(v.string(), v.minLength(1)),
  session_token: v.exactOptional(v.string()),
  region: v.exactOptional(v.string()),
});

/**
 * Parses the text of a SecureString or a secret.
 * @param what where the text is from, for the message, which never contains a part of the secret
 * @throws Fault `AccessDenied` if the text is not such JSON
 */
export function parseKeys(text: string, what: string): SideKeys {
  let keys: v.InferOutput<typeof keysSchema>;
  try {
    keys = parseJsonWith(keysSchema, text, 'credentials');
  } catch {
    // The parser's message quotes the value that it found, which may be the secret itself.
    throw new Fault(
      'AccessDenied',
      `${what}: expected JSON with "aws_access_key_id", "aws_secret_access_key" and optionally "session_token" and ` +
        '"region"',
    );
  }
  return {
    accessKeyId: keys.aws_access_key_id,
    secretAccessKey: keys.aws_secret_access_key,
    ...(keys.session_token !== undefined && { sessionToken: keys.session_token }),
    ...(keys.region !== undefined && { region: keys.region }),
  };
}
