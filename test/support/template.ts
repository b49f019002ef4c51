import { ROLE_TAG } from '../../functions/runtime/names.ts';

/** Reads a synthesized template by the roles that resources are tagged with. */
/** As the local stack and the operator's command know it; infra itself would load the whole CDK here. */

export type Resource = { readonly Type: string; readonly Properties: any; readonly DeletionPolicy?: string };
export type Resources = Readonly<Record<string, Resource>>;

export const ofType = (resources: Resources, type: string): [id: string, resource: Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);

type Tag = { readonly Key: string; readonly Value: string };

const tagsOf = ({ Properties }: Resource): readonly Tag[] => Properties.Tags ?? Properties.Replicas?.[0]?.Tags ?? [];

const roleOf = (resource: Resource): string | undefined => tagsOf(resource).find(({ Key }) => Key === ROLE_TAG)?.Value;

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
