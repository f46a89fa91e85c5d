/** The length that texts of a template will have once CloudFormation has resolved them: the longest possible. */

/** The longest value of each pseudo parameter, in characters. */
const pseudoParameters: Readonly<Record<string, number>> = {
  Partition: 'aws-us-gov'.length,
  Region: 'ap-northeast-1'.length,
  AccountId: 12,
  URLSuffix: 'amazonaws.com.cn'.length,
  StackName: 128,
  StackId: 'arn:aws-us-gov:cloudformation:ap-northeast-1:123456789012:stack//'.length + 128 + 36,
};

/** A reference to a resource: an ARN with the names that CloudFormation makes, or such a name or URL. */
const referenceCharacters = 140;

/**
 * The characters of a value as JSON without whitespace around its elements, which is how IAM counts.
 * @param value of a template, with references; or of the CDK, with tokens in its texts
 */
export function charactersOf(value: unknown): number {
  return JSON.stringify(resolved(value)).length;
}

/** The bytes of a value as JSON. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(resolved(value)));
}

/** A value with a stand-in of the longest length for everything that only CloudFormation knows. */
export function resolved(value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/\$\{Token\[(?:AWS\.)?(\w+)[^\]]*\]\}/g, (_token, name: string) => standIn(name));
  }
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== 'object' || value === null) return value;
  const [[key, argument] = ['', undefined], ...more] = Object.entries(value);
  if (more.length === 0) {
    if (key === 'Ref') return standIn(String(argument).replace(/^AWS::/, ''));
    if (key === 'Fn::GetAtt' || key === 'Fn::Select') return standIn('');
    if (key === 'Fn::Join' && Array.isArray(argument)) {
      const [separator, parts] = argument as [string, unknown[]];
      return parts.map((part) => String(resolved(part))).join(separator);
    }
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolved(inner)]));
}

function standIn(name: string): string {
  return 'x'.repeat(pseudoParameters[name] ?? referenceCharacters);
}
