import { privateAuthority } from '../../../support/certificate.ts';
import { describe, expect, it } from '@jest/globals';
import { defaultStackSettings } from '../../../../shared/model/config/settings.ts';
import { parseConfiguration } from '../../../../shared/model/config/configuration.ts';

const tasks = [{ name: 'n', source: { bucket: 'bucket-a' }, destination: { bucket: 'bucket-b' } }];

function settings(stack: unknown): unknown {
  return parseConfiguration(JSON.stringify({ tasks, stack }), 'file').stack;
}

const vpc = { vpcId: 'vpc-0a1b2c3d', subnetIds: ['subnet-0a1b2c3d'], availabilityZones: ['cn-north-1a'] };

describe('the settings of the stack', () => {
  it('all have defaults', () => {
    expect(parseConfiguration(JSON.stringify({ tasks }), 'file').stack).toEqual(defaultStackSettings);
    expect(defaultStackSettings).toEqual({
      workerMode: 'lambda',
      logRetentionDays: 30,
      giveUpAfterHours: 24,
      copyConcurrency: 100,
      concurrency: { finders: 20, reserved: false },
      worker: { maxInstances: 4, spot: true },
    });
  });

  it('accept every documented option', () => {
    const all = {
      workerMode: 'both',
      alarmEmail: 'ops@example.com',
      logRetentionDays: 3653,
      giveUpAfterHours: 0.01,
      copyConcurrency: 1000,
      concurrency: { calls: 1200, finders: 40, reserved: true },
      worker: {
        ...vpc,
        instanceTypes: ['c7gn.large'],
        maxInstances: 1,
        spot: false,
        objectsAtOnce: 8,
        proxy: 'http://proxy.example.com:3128',
        noProxy: ['.amazonaws.com', '10.0.0.0/8', '[2001:db8::5]:443'],
        certificateAuthority: `${privateAuthority}\n`,
      },
    };
    expect(settings(all)).toEqual(all);
  });

  it.each([
    [
      { worker: { proxy: 'http://me:secret@proxy:3128' } },
      'stack.worker.proxy: expected http://HOST:PORT, without user',
    ],
    [{ worker: { proxy: "http://a';reboot;'" } }, 'stack.worker.proxy: expected http://HOST:PORT'],
    [{ worker: { proxy: 'http://proxy', noProxy: ["'"] } }, 'stack.worker.noProxy.0: expected a host'],
    [{ worker: { noProxy: ['a.example'] } }, 'stack.worker: expected noProxy beside a proxy'],
    [{ workermode: 'ec2' }, 'stack.workermode: unknown option'],
    [{ workerMode: 'fargate' }, 'stack.workerMode: found "fargate", expected ("lambda" | "ec2" | "both")'],
    [{ alarmEmail: 'ops' }, 'stack.alarmEmail: expected an e-mail address (found "ops")'],
    [{ logRetentionDays: 31 }, 'stack.logRetentionDays: found 31, expected (1 | 3 | 5'],
    [{ giveUpAfterHours: 0 }, 'stack.giveUpAfterHours: '],
    [{ giveUpAfterHours: 337 }, 'stack.giveUpAfterHours: '],
    [{ copyConcurrency: 1 }, 'stack.copyConcurrency: '],
    [{ copyConcurrency: 1001 }, 'stack.copyConcurrency: '],
    [{ copyConcurrency: 2.5 }, 'stack.copyConcurrency: '],
    [{ worker: { maxInstances: 0 } }, 'stack.worker.maxInstances: '],
    [{ worker: { objectsAtOnce: 0 } }, 'stack.worker.objectsAtOnce: '],
    [{ worker: { spot: 'yes' } }, 'stack.worker.spot: found "yes", expected boolean'],
    [{ worker: { instanceTypes: [] } }, 'stack.worker.instanceTypes: at least one instance type'],
    [{ worker: { instanceTypes: ['large'] } }, 'stack.worker.instanceTypes.0: expected an instance type'],
    [{ worker: { ...vpc, vpcId: 'default' } }, 'stack.worker.vpcId: expected an ID such as vpc-'],
    [{ worker: { ...vpc, subnetIds: ['a'] } }, 'stack.worker.subnetIds.0: expected an ID such as subnet-'],
    [{ worker: { ...vpc, availabilityZones: ['1a'] } }, 'stack.worker.availabilityZones.0: expected a zone'],
    [{ worker: { vpcId: 'vpc-0a1b2c3d' } }, 'stack.worker: expected vpcId, subnetIds and availabilityZones together'],
    [{ worker: { ...vpc, availabilityZones: ['a-1a', 'a-1b'] } }, 'stack.worker: expected as many availabilityZones'],
  ])('reject %j, naming the field: %s', (stack, part) => {
    expect(() => settings(stack)).toThrow(expect.objectContaining({ name: 'InvalidTask' }));
    expect(() => settings(stack)).toThrow(part);
  });
});
