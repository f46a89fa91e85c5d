import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/**
 * The ledger: one item an object and task, one a run. It is history, so it outlives the stack. The attributes named here
 * are those that shared/aws writes.
 */
export class LedgerTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.table = new Table(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expiresAt',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    });
    // Sparse: only items that failed have the two attributes, so what succeeds is written once.
    this.table.addGlobalSecondaryIndex({
      indexName: 'failed',
      partitionKey: { name: 'failedTask', type: AttributeType.STRING },
      sortKey: { name: 'failedAt', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /** Lets `grantee` read and write the entries of objects. */
  grantEntries(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
  }

  /** Lets `grantee` look up what is recorded, and nothing more. */
  grantRead(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem']);
  }

  /** Lets `grantee` write the records of runs. */
  grantRunRecords(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:PutItem']);
  }

  private grant(grantee: IGrantable, actions: string[]): void {
    const statement = new PolicyStatement({ actions, resources: [this.table.tableArn] });
    grantee.grantPrincipal.addToPrincipalPolicy(statement);
  }
}
