import { ScanCommand, type DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { addEnds, decodeCounted, noEnds, type End, type Ends } from '../../model/run-ends.ts';
import type { EndsScan } from '../../model/messages/payloads.ts';
import type { Deadline } from '../../ports/clock.ts';
import type { RunScan } from '../../ports/run-progress.ts';
import { faultOf } from '../faults.ts';
import { itemId } from './ledger-item.ts';

/** Parts of the table that are read at the same time, each a page of 1 MB at a time. */
const parts = 16;

interface Part {
  readonly next: string | null;
  readonly ends: Ends;
}

/**
 * Counts a run in the ledger's table. A scan of a million entries of half a kilobyte reads 500 MB, eventually
 * consistent and so 61,000 read request units: $0.008 (DynamoDB on-demand pricing page: $0.125 per million).
 */
export class DynamoRunScan implements RunScan {
  readonly #client: DynamoDBDocumentClient;
  readonly #table: string;

  constructor(client: DynamoDBDocumentClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async countEnds(
    run: { readonly task: string; readonly run: string },
    from: EndsScan | undefined,
    deadline: Deadline,
  ): Promise<EndsScan> {
    const start = from ?? { parts: Array.from({ length: parts }, () => ''), ends: noEnds, done: false };
    const read = await Promise.all(start.parts.map((next, index) => this.#part(run, index, next, deadline)));
    const ends = read.reduce((sum, part) => addEnds(sum, part.ends), start.ends);
    const places = read.map(({ next }) => next);
    return { parts: places, ends, done: places.every((next) => next === null) };
  }

  /** Reads a part of the table until its end or the deadline; at least one page, so that each call gets on. */
  async #part(
    run: { readonly task: string; readonly run: string },
    index: number,
    from: string | null,
    deadline: Deadline,
  ): Promise<Part> {
    let ends = noEnds;
    let next = from;
    while (next !== null) {
      const page = await this.#page(run, index, next);
      for (const item of page.items) {
        const end = endIn(item, run.run);
        if (end) ends = addEnds(ends, { [end.kind]: 1, bytes: end.bytes });
      }
      next = page.next;
      if (deadline.remaining() <= 0) break;
    }
    return { next, ends };
  }

  async #page(
    { task, run }: { readonly task: string; readonly run: string },
    index: number,
    from: string,
  ): Promise<{ items: Record<string, unknown>[]; next: string | null }> {
    const input = {
      TableName: this.#table,
      Segment: index,
      TotalSegments: parts,
      FilterExpression:
        'begins_with(id, :object) AND (begins_with(counted, :counted) OR (#run = :run AND #status = :failed))',
      ProjectionExpression: 'counted, #run, #status',
      ExpressionAttributeNames: { '#run': 'run', '#status': 'status' },
      ExpressionAttributeValues: {
        ':object': itemId(task, ''),
        ':counted': `${run}#`,
        ':run': run,
        ':failed': 'FAILED',
      },
      ...(from !== '' && { ExclusiveStartKey: { id: from } }),
    };
    const { Items, LastEvaluatedKey } = await this.#client.send(new ScanCommand(input)).catch((error: unknown) => {
      throw faultOf(error, 'Scan ledger');
    });
    return { items: Items ?? [], next: LastEvaluatedKey === undefined ? null : String(LastEvaluatedKey['id']) };
  }
}

/**
 * How an object ended. One that was not counted but says FAILED died in its last delivery: SQS buried its message, and
 * the entry has what was written before.
 */
function endIn(item: Record<string, unknown>, run: string): End | undefined {
  return decodeCounted(item['counted'], run) ?? (item['run'] === run ? { kind: 'failed', bytes: 0 } : undefined);
}
