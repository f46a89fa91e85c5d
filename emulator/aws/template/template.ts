import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { EmulatorError } from '../errors.ts';
import { validateJson } from '../validate.ts';

const anything = v.record(v.string(), v.unknown());
const resourceSchema = v.object({
  Type: v.string(),
  Properties: v.optional(anything, {}),
  Condition: v.optional(v.string()),
});
const templateSchema = v.object({
  Parameters: v.optional(v.record(v.string(), v.object({ Type: v.string(), Default: v.optional(v.unknown()) })), {}),
  Conditions: v.optional(anything, {}),
  Mappings: v.optional(v.record(v.string(), v.record(v.string(), anything)), {}),
  Resources: v.record(v.string(), resourceSchema),
  Outputs: v.optional(v.record(v.string(), v.object({ Value: v.unknown(), Condition: v.optional(v.string()) })), {}),
});
const manifestSchema = v.object({
  artifacts: v.record(v.string(), v.object({ type: v.string(), properties: v.optional(anything) })),
});
const assetsSchema = v.object({
  files: v.optional(v.record(v.string(), v.object({ source: v.object({ path: v.optional(v.string()) }) })), {}),
});

export type Template = v.InferOutput<typeof templateSchema>;
export type TemplateResource = v.InferOutput<typeof resourceSchema>;

/** A stack of a cloud assembly: its template and the directories of its assets. */
export interface StackAssembly {
  readonly stackName: string;
  readonly template: Template;
  /** the directory of a file asset, by the asset's hash (the file name of its S3 key) */
  readonly assetDirectory: (hash: string) => string | undefined;
}

/** Parses a template. @throws EmulatorError `InvalidInput` that lists what is wrong */
export function parseTemplate(text: string, what: string): Template {
  return validateJson(templateSchema, text, what);
}

/**
 * Reads a stack from a synthesized cloud assembly (`cdk.out`).
 * @param stackName optional if the assembly has only one stack
 * @throws EmulatorError `InvalidInput` if the assembly or the stack does not exist
 */
export function readAssembly(directory: string, stackName?: string): StackAssembly {
  const manifestFile = join(directory, 'manifest.json');
  if (!existsSync(manifestFile)) {
    throw new EmulatorError(
      'InvalidInput',
      `${directory} is not a cloud assembly: it has no manifest.json; synthesize it first`,
    );
  }
  const { artifacts } = validateJson(manifestSchema, readFileSync(manifestFile, 'utf8'), manifestFile);
  const stacks = Object.entries(artifacts).filter(([, artifact]) => artifact.type === 'aws:cloudformation:stack');
  const wanted = stackName === undefined ? stacks : stacks.filter(([name]) => name === stackName);
  const [chosen, ...others] = wanted;
  if (!chosen || others.length > 0) {
    const found = stacks.map(([name]) => name).join(', ') || 'none';
    throw new EmulatorError(
      'InvalidInput',
      `${directory}: found the stacks ${found}, expected ${stackName ?? 'exactly one'}`,
    );
  }
  const [name, artifact] = chosen;
  const templateFile = join(directory, String(artifact.properties?.['templateFile']));
  const assetsFile = join(directory, `${name}.assets.json`);
  const assets = existsSync(assetsFile)
    ? validateJson(assetsSchema, readFileSync(assetsFile, 'utf8'), assetsFile).files
    : {};
  return {
    stackName: name,
    template: parseTemplate(readFileSync(templateFile, 'utf8'), templateFile),
    assetDirectory: (hash) => {
      const path = assets[hash]?.source.path;
      return path === undefined ? undefined : join(directory, path);
    },
  };
}
