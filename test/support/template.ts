/** Reads a synthesized template by the roles that resources are tagged with. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { LaurelStack } from '../../infra/laurel-stack.ts';
import { ROLE_TAG, stageOf } from '../../infra/stage.ts';

export type Resource = { readonly Type: string; readonly Properties: any; readonly DeletionPolicy?: string };
export type Resources = Readonly<Record<string, Resource>>;

/** The stack's resources by logical id; the bundler does not run, so this takes no time. */
export const resourcesOf = (stage: string, options: { readonly alarmTopicArn?: string } = {}): Resources => {
  const outdir = mkdtempSync(join(tmpdir(), 'laurel-template-'));
  try {
    const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } });
    const stack = new LaurelStack(app, stageOf(stage), options);
    return Template.fromStack(stack).toJSON().Resources as Resources;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
};

export const ofType = (resources: Resources, type: string): [id: string, resource: Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

type Tag = { readonly Key: string; readonly Value: string };

const tagsOf = ({ Properties }: Resource): readonly Tag[] => Properties.Tags ?? Properties.Replicas?.[0]?.Tags ?? [];

export const roleOf = (resource: Resource): string | undefined =>
  tagsOf(resource).find(({ Key }) => Key === ROLE_TAG)?.Value;

/** All resources of a type, by role. */
export const byRole = (resources: Resources, type: string): Map<string | undefined, { id: string } & Resource> =>
  new Map(ofType(resources, type).map(([id, resource]) => [roleOf(resource), { id, ...resource }]));

const nameOf = (resources: Resources, id: string): string => {
  const resource = resources[id]!;
  const role = roleOf(resource);
  if (role !== undefined) return role;
  return resource.Type === 'AWS::Logs::LogGroup' ? `log of ${resource.Properties.LogGroupName}` : id;
};

/** What a `Ref` or `Fn::GetAtt` points at, as `<role>` or `<role>.<attribute>`; other values as JSON. */
export const targetOf = (resources: Resources, value: any): string => {
  if (typeof value?.Ref === 'string') return nameOf(resources, value.Ref);
  const [prefix, [table, index] = []] = value?.['Fn::Join'] ?? [];
  if (prefix === '' && typeof index === 'string') return `${targetOf(resources, table)}${index}`;
  const [id, attribute] = value?.['Fn::GetAtt'] ?? [];
  if (id === undefined) return JSON.stringify(value);
  return attribute === 'Arn' ? nameOf(resources, id) : `${nameOf(resources, id)}.${attribute}`;
};

/** What a function may do: `{target: [actions]}`, from all policies that its role has. */
export const grantsOf = (resources: Resources, functionRole: string): Record<string, string[]> => {
  const roleId = byRole(resources, 'AWS::Lambda::Function').get(functionRole)!.Properties.Role['Fn::GetAtt'][0];
  const grants: Record<string, string[]> = {};
  for (const [, { Properties }] of ofType(resources, 'AWS::IAM::Policy')) {
    if (!Properties.Roles.some((role: any) => role.Ref === roleId)) continue;
    for (const { Effect, Action, Resource } of Properties.PolicyDocument.Statement) {
      for (const target of [Resource].flat()) {
        (grants[`${Effect} ${targetOf(resources, target)}`] ??= []).push(...[Action].flat());
      }
    }
  }
  for (const actions of Object.values(grants)) actions.sort();
  return grants;
};
