import { RemovalPolicy, Tags } from 'aws-cdk-lib';
import {
  AttributeType,
  Billing,
  type GlobalSecondaryIndexPropsV2,
  type StreamViewType,
  TableEncryptionV2,
  TableV2,
} from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { alarmOnTable } from './alarms.ts';
import type { Stage } from './stage.ts';
import { ROLE_TAG, physicalName } from '../functions/runtime/names.ts';

type LaurelTableProps = {
  readonly stage: Stage;
  readonly role: string;
  readonly indexes?: readonly GlobalSecondaryIndexPropsV2[];
  readonly timeToLiveAttribute?: string; // seconds since the epoch, after which DynamoDB deletes the item
  // for tables of facts, and of scores for the boards; a projection must not trigger its own computation
  readonly stream?: StreamViewType;
};

/** A table on demand with string keys `pk` and `sk`, recoverable to any point in time. */
export class LaurelTable extends Construct {
  readonly table: TableV2;

  constructor(
    scope: Construct,
    id: string,
    { stage, role, indexes = [], timeToLiveAttribute, stream }: LaurelTableProps,
  ) {
    super(scope, id);
    this.table = new TableV2(this, 'Table', {
      tableName: physicalName(stage, role),
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand({
        maxReadRequestUnits: stage.limits.tableReads,
        maxWriteRequestUnits: stage.limits.tableWrites,
      }),
      encryption: TableEncryptionV2.dynamoOwnedKey(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: stage.protects(role),
      // A failed deployment deletes the tables that it created. Later, tables are kept when the stack is deleted.
      removalPolicy: stage.keepsData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      globalSecondaryIndexes: indexes.map((index) => ({ ...index, maxReadRequestUnits: stage.limits.tableReads })),
      ...(timeToLiveAttribute === undefined ? {} : { timeToLiveAttribute }),
      ...(stream === undefined ? {} : { dynamoStream: stream }),
    });
    Tags.of(this.table).add(ROLE_TAG, role);
    alarmOnTable(
      this,
      this.table,
      indexes.map(({ indexName }) => indexName),
    );
  }
}
