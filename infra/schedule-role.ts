import { Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** A role for schedules of this account, with one action on some resources. */
export function scheduleRole(scope: Construct, id: string, action: string, resources: readonly string[]): Role {
  const account = { 'aws:SourceAccount': Stack.of(scope).account }; // no schedule of another account may use the role
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', { conditions: { StringEquals: account } }),
  });
  for (const resource of resources) {
    role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions: [action], resources: [resource] }));
  }
  return role;
}
