/** A policy document, with everything resolved. */
export interface PolicyDocument {
  readonly Statement: readonly Statement[] | Statement;
}

type Values = string | readonly string[];

export interface Statement {
  readonly Effect: string;
  readonly Action: Values;
  readonly Resource?: Values;
  /** whom a policy of a resource is about; a policy of an identity has none */
  readonly Principal?: string | Readonly<Record<string, Values>>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | number | readonly string[]>>>>;
}

/** Who calls, as the policies of resources name them. */
export interface CallerNames {
  /** the service itself, such as `s3.amazonaws.com` */
  readonly service?: string;
  /** the ARNs by which a policy may name the caller: of the session, the role, the account */
  readonly arns?: readonly string[];
}

/** One call, as IAM sees it. */
export interface Call {
  /** such as `s3:GetObject` */
  readonly action: string;
  readonly resource: string;
  /** condition keys of the call, in any case; a key that a call does not have is missing */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** `denied`: by a statement. `not allowed`: by no statement. */
export type Verdict = 'allowed' | 'denied' | 'not allowed';

/** One action on one resource, as a statement allows them; both may be patterns. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
}

export interface Decision {
  readonly verdict: Verdict;
  /** what allows the call: the first statement that does */
  readonly grant?: Grant;
}
