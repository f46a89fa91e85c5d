/** Things that go wrong with requests to the services besides S3, on purpose. */

export type FaultyService = 'sqs' | 'dynamodb' | 'states' | 'ssm' | 'lambda';

/** What a request asks for, as given to the hook. */
export interface ServiceRequest {
  readonly service: FaultyService;
  /** as the service names it; `Invoke` for a function */
  readonly operation: string;
  /** the function's own name, such as `copy-objects`; '' for the other services */
  readonly resource: string;
  /** what the request says: its JSON body, or the function's event */
  readonly input: Readonly<Record<string, unknown>>;
  /** somebody over HTTP, or the endpoint itself: the event source mapping, a machine, an event of S3 */
  readonly by: 'client' | 'endpoint';
}

/**
 * What goes wrong with a request.
 * - `status`: answered with this error; nothing is done. Any code of the service may be named.
 * - `reset`: the connection is reset before anything is done.
 * - `lose-answer`: it is done, then the connection is reset instead of the answer.
 * - `delay`: it is done and answered as usual, `milliseconds` later.
 *
 * Of a queue:
 * - `deliver`: each message that is sent is delivered once for each of these delays, in seconds: `[0, 0]` twice, `[2]`
 *   late, and different delays in turn give another order. For a batch the message's index in it is given.
 * - `fail-entries`: of a batch, the entries with these indexes are not done, and named in `Failed`.
 * - `come-back`: what a receiver wants to keep hidden for longer comes back after `seconds`.
 *
 * Of a function:
 * - `end`: its process is ended when `when` resolves, whatever it is doing; the caller is told `error`.
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

/** Asked once for each request. Undefined: nothing goes wrong. */
export type ServiceFaultHook = (request: ServiceRequest) => ServiceFault | undefined;
