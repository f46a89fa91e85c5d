import type { ServiceFault } from '../faults.ts';
import type { Answer } from '../http/exchange.ts';

type QueueFault = Extract<ServiceFault, { kind: 'deliver' | 'fail-entries' | 'come-back' }>;
type Fields = Readonly<Record<string, unknown>>;
type Entry = Fields & { readonly Id: string };
type Input = Fields & { readonly Entries?: readonly Entry[] };

/** A request changed by a fault. */
export interface Tampered {
  /** the requests to perform instead, in order; may be empty */
  readonly bodies: readonly Buffer[];
  /** the answer to the client. @param first the answer to the first of the requests */
  readonly answer: (first: Answer | undefined) => Answer;
}

/** Applies a fault to a request in the JSON protocol of SQS. */
export function tamperWithMessages(fault: QueueFault, body: Buffer): Tampered {
  const input = JSON.parse(body.toString()) as Input;
  switch (fault.kind) {
    case 'deliver':
      return { bodies: copies(input, fault.delays).map(encoded), answer: unchanged };
    case 'fail-entries':
      return failEntries(input, fault);
    case 'come-back': {
      const sooner = <Some extends Fields>(entry: Some): Some => ({
        ...entry,
        VisibilityTimeout: Math.min(Number(entry['VisibilityTimeout']), fault.seconds),
      });
      const changed = input.Entries ? { ...input, Entries: input.Entries.map(sooner) } : sooner(input);
      return { bodies: [encoded(changed)], answer: unchanged };
    }
  }
}

/** One request for the first copy of each message, one for the second copies, and so on. */
function copies(input: Input, delays: (index: number) => readonly number[]): object[] {
  const { Entries } = input;
  if (!Entries) return delays(0).map((DelaySeconds) => ({ ...input, DelaySeconds }));
  const wanted = Entries.map((entry, index) => ({ entry, delays: delays(index) }));
  const most = Math.max(...wanted.map((one) => one.delays.length));
  return Array.from({ length: most }, (_, copy) => ({
    ...input,
    Entries: wanted.flatMap((one) => {
      const DelaySeconds = one.delays[copy];
      return DelaySeconds === undefined ? [] : [{ ...one.entry, DelaySeconds }];
    }),
  }));
}

function failEntries(input: Input, { fails, code }: QueueFault & { kind: 'fail-entries' }): Tampered {
  const entries = input.Entries ?? [];
  const left = entries.filter((_, index) => !fails(index));
  const refused = entries
    .filter((_, index) => fails(index))
    .map(({ Id }) => ({ Id, SenderFault: false, Code: code, Message: `${code}, injected` }));
  return {
    bodies: left.length > 0 ? [encoded({ ...input, Entries: left })] : [],
    answer: (first) => {
      const answer = first ?? { status: 200, headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}' };
      if (answer.status !== 200) return answer;
      const { Successful = [], Failed = [] } = JSON.parse(answer.body) as Partial<Record<string, Entry[]>>;
      return { ...answer, body: JSON.stringify({ Successful, Failed: [...Failed, ...refused] }) };
    },
  };
}

function unchanged(answer: Answer | undefined): Answer {
  if (!answer) throw new Error('the fault "deliver" needs at least one delay for each message');
  return answer;
}

function encoded(input: object): Buffer {
  return Buffer.from(JSON.stringify(input));
}
