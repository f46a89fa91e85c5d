import { AttributeType, BillingMode, ProjectionType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/**
 * The ledger: one item per object and task, and one per run. It is history, so it outlives the stack. The attributes
 * named here are those that shared/aws/dynamodb/ledger.ts writes.
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
      // Also against a deletion by hand, or by an update that would replace it.
      deletionProtection: true,
    });
    // Sparse: only items that failed, or whose copy lacks something, have the two attributes. Others are written once.
    this.table.addGlobalSecondaryIndex({
      indexName: 'failed',
      partitionKey: { name: 'failedTask', type: AttributeType.STRING },
      sortKey: { name: 'failedAt', type: AttributeType.STRING },
      projectionType: ProjectionType.KEYS_ONLY,
    });
  }

  /**
   * Lets `grantee` read and write the entries of objects. A worker of an earlier version writes with PutItem, and goes
   * on while a stack is updated.
   */
  grantEntries(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem']);
  }

  /** Lets `grantee` read and change what holds back a task. */
  grantControl(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem', 'dynamodb:UpdateItem']);
  }

  /** Lets `grantee` read entries only. */
  grantRead(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem']);
  }

  /** Lets `grantee` read many entries at once, and which keys failed. */
  grantLookup(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:BatchGetItem']);
    this.grant(grantee, ['dynamodb:Query'], `${this.table.tableArn}/index/failed`);
  }

  /** Lets `grantee` read the counts of runs, and count in the ledger itself. */
  grantCounts(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem', 'dynamodb:Scan']);
  }

  /** Lets `grantee` read and write the list of the runs that are under way, and record those that begin. */
  grantAdmission(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:GetItem', 'dynamodb:PutItem']);
  }

  /** Lets `grantee` write the records of runs, and count what copies lack. */
  grantRunRecords(grantee: IGrantable): void {
    this.grant(grantee, ['dynamodb:PutItem']);
    this.grant(grantee, ['dynamodb:Query'], `${this.table.tableArn}/index/failed`);
  }

  private grant(grantee: IGrantable, actions: string[], resource = this.table.tableArn): void {
    const statement = new PolicyStatement({ actions, resources: [resource] });
    grantee.grantPrincipal.addToPrincipalPolicy(statement);
  }
}
