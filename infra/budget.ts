import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { Construct } from 'constructs';
import { physicalName } from '../functions/runtime/names.ts';
import type { Stage } from './stage.ts';

/**
 * A monthly budget of the whole AWS account, because a filter by tags needs an activation by hand. Its messages come when
 * 80 % are spent, and when AWS expects more than all of it. The topic must allow `budgets.amazonaws.com` to publish.
 */
export function budget(scope: Construct, stage: Stage, dollars: number, topicArn: string | undefined): void {
  const subscribers = topicArn === undefined ? [] : [{ subscriptionType: 'SNS', address: topicArn }];
  const above = (notificationType: 'ACTUAL' | 'FORECASTED', threshold: number) => ({
    notification: { notificationType, threshold, comparisonOperator: 'GREATER_THAN', thresholdType: 'PERCENTAGE' },
    subscribers,
  });
  new CfnBudget(scope, 'Budget', {
    budget: {
      budgetName: physicalName(stage, 'budget'),
      budgetType: 'COST',
      timeUnit: 'MONTHLY',
      budgetLimit: { amount: dollars, unit: 'USD' },
    },
    ...(subscribers.length === 0
      ? {}
      : { notificationsWithSubscribers: [above('ACTUAL', 80), above('FORECASTED', 100)] }),
  });
}
