/** Fault injection for the services other than S3. */

export type FaultyService = 'sqs' | 'dynamodb' | 'states' | 'ssm' | 'lambda';

/** What a request asks for, as the hook receives it. */
export interface ServiceRequest {
  readonly service: FaultyService;
  /** as the service names it; `Invoke` for a function */
  readonly operation: string;
  /** the ID of the function, such as `copy-objects`; '' for the other services */
  readonly resource: string;
  /** the JSON body of the request, or the function's event */
  readonly input: Readonly<Record<string, unknown>>;
  /** `client`: over HTTP; `endpoint`: from inside the emulator (an event source mapping, a machine, an S3 event) */
  readonly by: 'client' | 'endpoint';
}

/**
 * What goes wrong with a request.
 * - `status`: this error is the answer; the operation is not performed. Any code of the service is possible.
 * - `reset`: the connection is reset before the operation is performed.
 * - `lose-answer`: the operation is performed, then the connection is reset instead of the answer.
 * - `delay`: the operation is performed and answered as usual, `milliseconds` later.
 *
 * For a queue:
 * - `deliver`: each message sent is delivered once per delay (seconds): `[0, 0]` twice, `[2]` late; different delays
 *   per message change the order. `index` is the position of the message in its batch.
 * - `fail-entries`: the entries of a batch with these indexes are not performed, and are listed in `Failed`.
 * - `come-back`: a message whose receiver extends its visibility timeout becomes visible again after `seconds`.
 *
 * For a function:
 * - `end`: its environment is killed when `when` resolves; the caller gets `error`.
 */
export type ServiceFault =
  | { readonly kind: 'status'; readonly status: number; readonly code: string; readonly message?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'lose-answer' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'deliver'; readonly delays: (index: number) => readonly number[] }
  | { readonly kind: 'fail-entries'; readonly fails: (index: number) => boolean; readonly code: string }
  | { readonly kind: 'come-back'; readonly seconds: number }
  | {
      readonly kind: 'end';
      readonly when: Promise<unknown>;
      readonly error: 'Sandbox.Timedout' | 'Runtime.ExitError';
    };

/** Called once per request. Undefined: the request is handled as usual. */
export type ServiceFaultHook = (request: ServiceRequest) => ServiceFault | undefined;
