import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Statement } from '../../aws/iam/policy.ts';
import type { FunctionDefinition, FunctionSurroundings } from '../../aws/lambda/function-definition.ts';

/** A temporary directory; the tests remove it. */
export function scratch(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'emulator-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface AssemblyParts {
  /** the source of each function's index.mjs, by logical ID */
  functions?: Record<string, { code: string; properties?: Record<string, unknown> }>;
  resources?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** Writes a cloud assembly as `cdk synth` lays it out. Its functions may do everything, unless a `Role` is given. */
export function writeAssembly(directory: string, parts: AssemblyParts): string {
  mkdirSync(directory, { recursive: true });
  const files: Record<string, unknown> = {};
  const resources: Record<string, unknown> = { AnyRole: roleResource(), ...parts.resources };
  for (const [logicalId, { code, properties }] of Object.entries(parts.functions ?? {})) {
    const hash = `hash${logicalId.toLowerCase()}`;
    mkdirSync(join(directory, `asset.${hash}`), { recursive: true });
    writeFileSync(join(directory, `asset.${hash}`, 'index.mjs'), code);
    files[hash] = { source: { path: `asset.${hash}`, packaging: 'zip' } };
    resources[logicalId] = {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Role: { 'Fn::GetAtt': ['AnyRole', 'Arn'] },
        Code: { S3Bucket: 'assets', S3Key: `${hash}.zip` },
        ...properties,
      },
    };
  }
  const write = (name: string, value: unknown) => writeFileSync(join(directory, name), JSON.stringify(value));
  write('Stack.template.json', { Resources: resources, Outputs: parts.outputs ?? {} });
  write('Stack.assets.json', { version: '55.0.0', files });
  write('manifest.json', {
    version: '55.0.0',
    artifacts: { Stack: { type: 'aws:cloudformation:stack', properties: { templateFile: 'Stack.template.json' } } },
  });
  return directory;
}

export const surroundings: FunctionSurroundings = {
  endpoint: 'http://127.0.0.1:4566',
  region: 'us-east-1',
};

/** A role of the services that an emulated stack has, with one policy; by default one that allows everything. */
export function roleResource(statements: readonly Statement[] = [{ Effect: 'Allow', Action: '*', Resource: '*' }]) {
  const services = ['lambda', 'states', 'events', 'scheduler', 'ec2'].map((name) => `${name}.amazonaws.com`);
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: services } },
      },
      Policies: [{ PolicyName: 'inline', PolicyDocument: { Statement: statements } }],
    },
  };
}

/** Writes the code of a function below `directory`. */
export function writeFunction(
  directory: string,
  name: string,
  code: string,
  changes: Partial<FunctionDefinition> = {},
): FunctionDefinition {
  const codeDirectory = join(directory, name);
  mkdirSync(codeDirectory, { recursive: true });
  writeFileSync(join(codeDirectory, 'index.mjs'), code);
  return {
    name,
    arn: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    id: name,
    codeDirectory,
    handler: 'index.handler',
    timeoutSeconds: 20,
    memoryMiB: 256,
    environment: {},
    credentials: { accessKeyId: 'key', secretAccessKey: 'secret' },
    ...changes,
  };
}
