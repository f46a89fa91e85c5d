import { Fault } from '../../model/faults.ts';
import type { SideKeys } from './key-source.ts';

/**
 * The text of a SecureString or a secret, as people paste it: JSON, or the lines of a credentials file or of a shell.
 * The names of the fields are those of AWS's tools and of other stores: case, "_", "-", spaces and a leading "AWS" do
 * not count. Only printable ASCII is a key: anything else cannot be sent in a header, and was pasted by mistake.
 */

const fields = {
  accessKeyId: {
    shown: 'aws_access_key_id',
    // Tencent: SecretId. MinIO: accessKey.
    names: ['accesskeyid', 'accesskey', 'secretid'],
  },
  secretAccessKey: {
    shown: 'aws_secret_access_key',
    // Aliyun: AccessKeySecret. Tencent, MinIO: secretKey.
    names: ['secretaccesskey', 'accesskeysecret', 'secretkey'],
  },
  sessionToken: {
    shown: 'session_token',
    // Aliyun: SecurityToken.
    names: ['sessiontoken', 'securitytoken'],
  },
  region: { shown: 'region', names: ['region', 'defaultregion'] },
} as const;

type Field = keyof typeof fields;
const fieldNames = Object.keys(fields) as Field[];

/** What AWS's own commands put around the keys: `aws sts assume-role`, `aws iam create-access-key`. */
const wrappers = ['credentials', 'accesskey'];

const rightForm =
  'expected JSON with "aws_access_key_id", "aws_secret_access_key" and optionally "session_token" and "region"';

/**
 * Parses the text of a SecureString or a secret.
 * @param what where the text is from, for the message, which names fields and never contains a part of the secret
 * @throws Fault `InvalidTask` if the text has no keys, or has keys that cannot be sent: no retry helps
 */
export function parseKeys(text: string, what: string): SideKeys {
  const faults: string[] = [];
  const found = fieldsOf(text);
  const keys: Partial<Record<Field, string>> = {};
  for (const field of fieldNames) {
    const { value, fault } = valueOf(found, field);
    if (fault !== undefined) faults.push(`${fields[field].shown}: ${fault}`);
    if (value !== undefined) keys[field] = value;
  }
  const { accessKeyId, secretAccessKey, sessionToken, region } = keys;
  if (faults.length > 0 || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new Fault('InvalidTask', `${what}: ${[...faults, rightForm].join('; ')}`);
  }
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    ...(region !== undefined && { region }),
  };
}

type Pair = readonly [name: string, value: unknown];

/** The fields of the text, with their names in lower case and without separators. Empty if it is no known form. */
function fieldsOf(text: string): Pair[] {
  const bare = trimmed(text);
  if (!/^[{["]/.test(bare)) return linesOf(bare);
  let value: unknown;
  try {
    value = JSON.parse(bare);
  } catch {
    // The parser's message quotes the text, which is the secret; an ini file may begin with "[default]".
    return bare.startsWith('[') ? linesOf(bare) : [];
  }
  const outer = pairsOf(value);
  const [wrapped] = outer.filter(([name, inner]) => wrappers.includes(name) && isObject(inner));
  return wrapped ? pairsOf(wrapped[1]) : outer;
}

function pairsOf(value: unknown): Pair[] {
  return isObject(value) ? Object.entries(value).map(([name, inner]) => [normalised(name), inner] as const) : [];
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `name = value`, `export NAME="value"`. Lines of other forms, such as comments and `[default]`, have no field. */
function linesOf(text: string): Pair[] {
  return text.split(/\r\n|\r|\n/).flatMap((line): Pair[] => {
    const match = /^\s*(?:export\s+|set\s+)?([A-Za-z_]{1,64})\s*=(.*)$/.exec(line);
    if (match?.[1] === undefined) return [];
    const value = trimmed(match[2] ?? '');
    const [, , unquoted = value] = /^(["'])(.*)\1$/.exec(value) ?? [];
    return [[normalised(match[1]), unquoted]];
  });
}

function normalised(name: string): string {
  return trimmed(name)
    .toLowerCase()
    .replace(/[\s_-]/g, '')
    .replace(/^aws/, '');
}

/** Without white space at both ends; U+FEFF, the byte order mark, counts as such. */
function trimmed(text: string): string {
  return text.trim();
}

function valueOf(found: readonly Pair[], field: Field): { value?: string; fault?: string } {
  const names: readonly string[] = fields[field].names;
  // `aws` prints null for a token that it does not have.
  const values = found.flatMap(([name, value]) => (names.includes(name) && value !== null ? [value] : []));
  const required = field === 'accessKeyId' || field === 'secretAccessKey';
  const texts = new Set<string>();
  for (const value of values) {
    if (typeof value !== 'string') return { fault: `found ${kindOf(value)}, expected text` };
    texts.add(trimmed(value));
  }
  const [value = '', ...others] = texts;
  if (others.length > 0) return { fault: 'found two different values, expected one' };
  if (value === '') return required ? { fault: values.length > 0 ? 'is empty' : 'is missing' } : {};
  const wrong = wrongCharacter(value);
  if (wrong !== undefined) return { fault: `found ${wrong} inside the value, expected one line without spaces` };
  if (field === 'region' && !/^[a-zA-Z0-9-]+$/.test(value)) return { fault: 'expected a region such as us-east-1' };
  return { value };
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** What a key cannot have, because no header can carry it. */
function wrongCharacter(value: string): string | undefined {
  if (/[\r\n\u0085\u2028\u2029]/.test(value)) return 'a line break';
  if (/\s/.test(value)) return 'a space';
  if (/\p{Cc}/u.test(value)) return 'a control character';
  return /^[\x21-\x7e]+$/.test(value) ? undefined : 'a character that is not ASCII';
}
