/** Import directions (docs/architecture.md): an import against them fails `npm run check`. */
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: {
    path: '^(infra|functions|worker|shared|emulator|local|simulation|operations|trials|bench|test)/',
    pathNot: [from, ...allowed],
  },
});

export default {
  forbidden: [
    only('model-is-at-the-bottom', '^shared/model/', [], 'plain data knows nothing of the rest'),
    only('flow-knows-the-model', '^shared/flow/', ['^shared/model/'], 'bounded concurrency and memory'),
    only('ports-know-the-model', '^shared/ports/', ['^shared/model/'], 'ports speak in plain data'),
    only(
      'find-goes-through-ports',
      '^shared/find/',
      ['^shared/(model|ports|flow|run)/'],
      'no side effects but through ports',
    ),
    only('run-goes-through-ports', '^shared/run/', ['^shared/(model|ports|flow)/'], 'the same'),
    only('transfer-goes-through-ports', '^shared/transfer/', ['^shared/(model|ports|flow|run)/'], 'the same'),
    only('aws-implements-ports', '^shared/aws/', ['^shared/(model|ports)/'], 'adapters do not compose use-cases'),
    only(
      'observing-listens',
      '^shared/observing/',
      ['^shared/(model|ports|transfer|run)/'],
      'logs and metrics are listeners of the core',
    ),
    only('functions-use-shared', '^functions/', ['^shared/'], 'entry points call the core'),
    only('worker-uses-shared', '^worker/', ['^shared/'], 'the worker is another composer of the same core'),
    only(
      'infra-knows-names-only',
      '^infra/',
      ['^shared/model/', '^functions/[^/]+/environment\\.ts$', '^worker/environment\\.ts$'],
      'no handler in a template',
    ),
    only('operations-use-shared', '^operations/', ['^shared/'], 'commands for operators'),
    only('emulator-stands-alone', '^emulator/(aws|s3)/', [], 'AWS on loopback, a package of its own'),
    only(
      'local-composes',
      '^local/',
      ['^(shared|emulator)/', '^worker/environment\\.ts$', '^operations/command\\.ts$'],
      'handlers run from their bundles, the template from its assembly',
    ),
    only(
      'simulation-runs-the-core',
      '^simulation/',
      [
        '^shared/',
        '^infra/worker/scaling-rules\\.ts$',
        '^operations/command\\.ts$',
        '^test/support/(metric-math|random)\\.ts$',
      ],
      'the deciding code runs on modelled services, and the template from its assembly',
    ),
    only(
      'test-support-is-below-tests',
      '^test/support/',
      ['^(shared|functions|worker|infra|emulator|local|operations)/'],
      'one world for all tests',
    ),
    only(
      'emulator-tests-stand-alone',
      '^emulator/test/',
      ['^emulator/', '^test/support/until\\.ts$'],
      'the tests go with the package',
    ),
    only(
      'trials-measure',
      '^trials/',
      ['^(shared|emulator|local|operations)/', '^worker/environment\\.ts$', '^test/support/'],
      'long programs; tests run a small share of them',
    ),
    only('bench-measures', '^bench/', ['^(shared|emulator|local|operations|trials)/', '^test/support/'], 'the same'),
    {
      name: 'nothing-imports-a-test',
      severity: 'error',
      comment: 'what tests share lies in test/support',
      from: {},
      to: { path: '\\.test\\.ts$' },
    },
    {
      name: 'no-product-code-on-test-code',
      severity: 'error',
      comment: 'tests, trials and benchmarks are never part of the product',
      from: { pathNot: '^(test|trials|bench|simulation|emulator/test)/' },
      to: { path: '^(test|trials|bench|emulator/test)/' },
    },
    {
      name: 'sdk-only-in-adapters',
      severity: 'error',
      comment: 'shared/aws is the only place of the core that imports the AWS SDK',
      from: { path: '^shared/', pathNot: '^shared/aws/' },
      to: { path: 'node_modules/@(aws-sdk|smithy)/' },
    },
    {
      name: 'cdk-only-in-infra',
      severity: 'error',
      from: { pathNot: '^(infra|test)/' },
      to: { path: 'node_modules/(aws-cdk-lib|constructs|cdk-nag)/' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^aws-lambda$' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
