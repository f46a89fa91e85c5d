import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The shape of the tree, so that it cannot be lost one small step at a time. */

const project = resolve(import.meta.dirname, '..');
const bin = join(project, 'node_modules', '.bin');
const folders = [
  'infra',
  'functions',
  'worker',
  'shared',
  'operations',
  'emulator',
  'local',
  'trials',
  'bench',
  'test',
];

function cruise(...folders: string[]): { status: number | null; output: string } {
  const options = ['--config', '.dependency-cruiser.mjs', ...folders];
  const { status, stdout, stderr } = spawnSync(join(bin, 'depcruise'), options, { cwd: project, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

describe('import directions', () => {
  it('hold everywhere', () => {
    const { status, output } = cruise(...folders);
    expect({ status, output }).toEqual({
      status: 0,
      output: expect.stringContaining('no dependency violations found'),
    });
  });
});

describe('the core', () => {
  it('names the AWS SDK in its adapters only', () => {
    const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', 'shared/'], {
      cwd: project,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((file) => file.endsWith('.ts') && !file.startsWith('shared/aws/'));
    expect(files.length).toBeGreaterThan(30);
    const offenders = files.filter((file) => /@(aws-sdk|smithy)\//.test(readFileSync(join(project, file), 'utf8')));
    expect(offenders).toEqual([]);
  });
});

describe('every function', () => {
  it('has a handler, its environment, and a construct of the same name', () => {
    const functions = readdirSync(join(project, 'functions'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
    const constructs = readdirSync(join(project, 'infra', 'functions'))
      .map((file) => file.replace(/\.ts$/, ''))
      .sort();
    expect(constructs).toEqual(functions);
    for (const name of functions) {
      expect(readdirSync(join(project, 'functions', name)).sort()).toEqual(['environment.ts', 'index.ts']);
    }
  });
});
