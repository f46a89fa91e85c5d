/**
 * Prints, as JSON, what cdk-nag's AwsSolutions says of the stack for a configuration: run in a process of its own, so
 * that Jest need not load aws-cdk-lib. Arguments: configuration file, directory of the bundles.
 */
import { AwsSolutionsChecks } from 'cdk-nag';
import { ferryApp } from '../../infra/app.ts';
import { readConfiguration } from '../../infra/configuration.ts';
import { FerryStack } from '../../infra/stack.ts';

const [configuration = '', bundles = ''] = process.argv.slice(2);
const { tasks, stack: settings } = readConfiguration(configuration);
const app = ferryApp();
new FerryStack(app, 'S3Ferry', { tasks, settings, bundles });
const { violations } = new AwsSolutionsChecks().validateScope(app);
const findings = violations.flatMap(({ ruleName, violatingResources }) =>
  violatingResources.map((resource) => `${ruleName} at ${JSON.stringify(resource)}`),
);
console.log(JSON.stringify(findings));
