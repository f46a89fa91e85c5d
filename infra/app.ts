import { App, type AppProps } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json' with { type: 'json' };

/**
 * The CDK app with the project's settings. They are here, not in cdk.json, so that the template is the same with and
 * without the CDK's command line.
 */
export function ferryApp(props: AppProps = {}): App {
  return new App({
    ...props,
    // main.ts calls synth(): a configuration that is refused must not leave half a template behind.
    autoSynth: false,
    analyticsReporting: false,
    context: {
      ...recommendedFlags,
      // CloudFormation counts every byte of a template, also those that indent it.
      '@aws-cdk/core:suppressTemplateIndentation': true,
      // The CDK's estimate for an ARN with references is 150. It must not divide again what policies.ts has divided.
      '@aws-cdk/aws-iam.arnSizeEstimate': 40,
      // infra/quotas/ says more.
      '@aws-cdk/core:stackResourceLimit': 0,
      ...props.context,
    },
  });
}
