import { Duration, Tags } from 'aws-cdk-lib';
import { type DeadLetterQueue, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Stage } from './stage.ts';
import { ROLE_TAG, physicalName } from '../functions/runtime/names.ts';

type LaurelQueueProps = {
  readonly stage: Stage;
  readonly role: string;
  readonly visibilityTimeout?: Duration;
  readonly deadLetterQueue?: DeadLetterQueue;
};

/** A queue that accepts only TLS and keeps messages for 14 days, the maximum of SQS. */
export class LaurelQueue extends Queue {
  readonly role: string;

  constructor(scope: Construct, id: string, { stage, role, ...props }: LaurelQueueProps) {
    const optional: QueueProps = props;
    super(scope, id, {
      queueName: physicalName(stage, role),
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      ...optional,
    });
    this.role = role;
    Tags.of(this).add(ROLE_TAG, role);
  }
}
