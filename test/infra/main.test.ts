import { describe, expect, it, test } from '@jest/globals';
import { runMain } from '../support/synthesize.ts';

const task = { name: 'one', source: { bucket: 'from' }, destination: { bucket: 'into' } };

describe('infra/main.ts with an invalid configuration', () => {
  it.each([
    {
      title: 'an option that does not exist',
      options: { configuration: { tasks: [{ ...task, evnts: 'create' }] } },
      message: /evnts: unknown option/,
    },
    {
      title: 'a file that does not exist',
      options: { environment: { S3_FERRY_CONFIG: 'missing.json' } },
      message: /InvalidTask: configuration missing\.json cannot be read \(ENOENT/,
    },
    {
      title: 'a file that does not exist, by context',
      options: { context: { config: 'missing.json' } },
      message: /configuration missing\.json cannot be read/,
    },
    {
      title: 'faults in the settings, in tasks and between tasks, all at once',
      options: {
        configuration: {
          stack: { copyConcurrency: 1 },
          tasks: [
            { ...task, schedule: 'rate(1 hours)' },
            { ...task, name: 'two', events: 'create', source: { bucket: 'from', endpoint: 'https://store.example' } },
            { ...task, name: 'three' },
            { ...task, name: 'four' },
          ],
        },
      },
      message: new RegExp(
        [
          'stack\\.copyConcurrency: ',
          'tasks\\.0 \\(one\\) is not valid:\\n {2}schedule: expected rate\\(1 hour\\)',
          'tasks\\.1 \\(two\\) is not valid:\\n {2}events: found "create" for a source with an endpoint',
          'tasks "three" and "four", destination: found "into/" and "into/"',
        ].join('[^]*'),
      ),
    },
    {
      title: 'a bundle that is missing',
      options: { without: 'check-upload' },
      message: /the bundle of check-upload is missing: expected .*index\.mjs; make it with "npm run build"/,
    },
  ])('$title', ({ options, message }) => {
    const { status, stderr, files } = runMain(options);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(status).toBe(1);
    // Bundles may have been copied by then; without a manifest the directory is not an app.
    expect(files.filter((file) => !file.startsWith('asset.'))).toEqual([]);
  });
});

test('the context names the stack, and the paths of its parameters follow', () => {
  const { status, files, text } = runMain({ configuration: { tasks: [task] }, context: { stack: 'Other' } });
  expect(status).toBe(0);
  expect(files).toContain('Other.template.json');
  expect(text).toContain('"/s3-ferry/Other/tasks/one"');
});

test.each(['lambda', 'both'])("CloudFormation's schemas accept the template with workerMode %s", (workerMode) => {
  const configuration = { stack: { workerMode }, tasks: [{ ...task, events: 'create', schedule: 'rate(1 hour)' }] };
  const { status, stderr } = runMain({ configuration, validation: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

test('the template is the same in every region and on every run', () => {
  const [first, second] = ['us-east-1', 'cn-north-1'].map((region) =>
    runMain({ environment: { AWS_REGION: region, CDK_DEFAULT_REGION: region } }),
  );
  expect(first!.status).toBe(0);
  expect(second!.text).toBe(first!.text);
});
