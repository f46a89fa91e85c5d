/**
 * Names in Parameter Store: everything of a stack is below `/s3-ferry/<stack>/`. The stack writes its tasks there, and
 * what the commands for operators need to find.
 */

/** What a stack publishes for the commands in operations/; the stack's name and this make the parameter's name. */
export const publishedParameters = {
  jobsQueueUrl: 'queues/jobs',
  eventsQueueUrl: 'queues/events',
  deadLetterQueueUrl: 'queues/dead-letters',
  ledgerTableName: 'tables/ledger',
  syncMachineArn: 'machines/sync',
  uploadMachineArn: 'machines/upload',
} as const;

export type PublishedParameter = keyof typeof publishedParameters;

/** The name of a parameter that the stack publishes. */
export function publishedParameterPath(stack: string, parameter: PublishedParameter): string {
  return pathOf(stack, publishedParameters[parameter]);
}

/** The path of the stack's tasks, with a slash at its end; a task's name follows. */
export function tasksPathOf(stack: string): string {
  return pathOf(stack, 'tasks/');
}

function pathOf(stack: string, rest: string): string {
  return `/s3-ferry/${stack}/${rest}`;
}
