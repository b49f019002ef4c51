import type { Resource } from './assembly.ts';
import type { References } from './intrinsics.ts';
import { TYPES_WITHOUT_MEANING } from './resources.ts';
import { UnsupportedTemplateError } from './unsupported.ts';

export type Surroundings = {
  readonly region: string;
  readonly accountId: string;
  /** The endpoint for the functions' AWS calls; queue URLs start with it. */
  readonly awsEndpoint: string;
  /** The ARN of a table's stream. Each engine chooses its own label for a stream. */
  readonly streamArnOf: (tableName: string) => string;
};

/** Resolves references to a template's resources. Throws for an attribute that the local stack does not know. */
export function referencesOf(resources: ReadonlyMap<string, Resource>, surroundings: Surroundings): References {
  const { region, accountId, awsEndpoint } = surroundings;
  const named = (id: string, property: string): string => {
    const name = resources.get(id)?.Properties[property];
    if (typeof name !== 'string') throw new UnsupportedTemplateError(`${id}: expected ${property} to be plain text`);
    return name;
  };
  const arn = (service: string, resource: string) => `arn:aws:${service}:${region}:${accountId}:${resource}`;
  const resourceOf = (id: string): Resource => {
    const resource = resources.get(id);
    if (resource === undefined) throw new UnsupportedTemplateError(`The template refers to ${id}, which is not in it`);
    return resource;
  };
  const queueUrl = (id: string) => `${awsEndpoint}/${accountId}/${named(id, 'QueueName')}`;

  return {
    pseudo: {
      'AWS::Region': region,
      'AWS::AccountId': accountId,
      'AWS::Partition': 'aws',
      'AWS::StackId': arn('cloudformation', 'stack/local'),
      'AWS::URLSuffix': 'amazonaws.com',
    },
    ref(id) {
      switch (resourceOf(id).Type) {
        case 'AWS::DynamoDB::GlobalTable':
        case 'AWS::DynamoDB::Table':
          return named(id, 'TableName');
        case 'AWS::SQS::Queue':
          return queueUrl(id);
        case 'AWS::Lambda::Function':
          return named(id, 'FunctionName');
        default:
          return id;
      }
    },
    attribute(id, attribute) {
      const { Type } = resourceOf(id);
      switch (`${Type} ${attribute}`) {
        case 'AWS::DynamoDB::GlobalTable Arn':
        case 'AWS::DynamoDB::Table Arn':
          return arn('dynamodb', `table/${named(id, 'TableName')}`);
        case 'AWS::DynamoDB::GlobalTable StreamArn':
        case 'AWS::DynamoDB::Table StreamArn':
          return surroundings.streamArnOf(named(id, 'TableName'));
        case 'AWS::SQS::Queue Arn':
          return arn('sqs', named(id, 'QueueName'));
        case 'AWS::SQS::Queue QueueName':
          return named(id, 'QueueName');
        case 'AWS::Lambda::Function Arn':
          return arn('lambda', `function:${named(id, 'FunctionName')}`);
        case 'AWS::IAM::Role Arn':
          return `arn:aws:iam::${accountId}:role/${id}`;
        case 'AWS::Logs::LogGroup Arn':
          return arn('logs', `log-group:${id}:*`);
        default:
          if (TYPES_WITHOUT_MEANING.has(Type)) return id;
          throw new UnsupportedTemplateError(`Unsupported attribute ${attribute} of ${Type} (${id})`);
      }
    },
  };
}
