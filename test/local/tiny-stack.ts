import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource } from '../../local/template/assembly.ts';
import { temporaryDirectory } from '../support/stack.ts';

/** A minimal template, with handlers as source text, to test the local stack itself. */

export type Resources = Record<string, Pick<Resource, 'Type' | 'Properties'>>;
type Allowed = readonly (readonly [action: string, resource: unknown])[];

const roleTag = (role: string) => [{ Key: 'laurel:role', Value: role }];

export const aTable = (role: string, more: Record<string, unknown> = {}) => ({
  Type: 'AWS::DynamoDB::Table',
  Properties: {
    TableName: `tiny-${role}`,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    Tags: roleTag(role),
    ...more,
  },
});

export const aQueue = (role: string, more: Record<string, unknown> = {}) => ({
  Type: 'AWS::SQS::Queue',
  Properties: { QueueName: `tiny-${role}`, Tags: roleTag(role), ...more },
});

/** A role that a service may assume. */
export const aRole = (service: string) => ({
  Type: 'AWS::IAM::Role',
  Properties: {
    AssumeRolePolicyDocument: {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: `${service}.amazonaws.com` } }],
    },
  },
});

/**
 * A function with its role and policy. The handler can call `note(value)`, which the test reads, and `call(target,
 * body)`.
 */
export const aFunction = (
  role: string,
  given: { handler: string; timeout?: number; allow?: Allowed; environment?: Record<string, unknown> },
): Resources => ({
  [`${role}Role`]: aRole('lambda'),
  [`${role}Policy`]: {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: `${role}Policy`,
      Roles: [{ Ref: `${role}Role` }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: (given.allow ?? []).map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource })),
      },
    },
  },
  [role]: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName: `tiny-${role}`,
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      Code: { S3Key: given.handler },
      Role: { 'Fn::GetAtt': [`${role}Role`, 'Arn'] },
      Timeout: given.timeout ?? 30,
      Environment: { Variables: given.environment ?? {} },
      Tags: roleTag(role),
    },
  },
});

const PRELUDE = `
import { appendFileSync } from 'node:fs';
const call = async (target, body) => {
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': target,
    authorization: 'AWS4-HMAC-SHA256 Credential=' + process.env.AWS_ACCESS_KEY_ID + '/20260101/r/s/aws4_request',
  };
  const endpoint = process.env.AWS_ENDPOINT_URL_DYNAMODB;
  return (await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body) })).json();
};
const note = (value) => appendFileSync(process.env.NOTES, JSON.stringify(value) + '\\n');
`;

/** Options for `startTestStack`: the template's resources, a credentials table, and code in a temporary folder. */
export function tinyAssembly(resources: Resources) {
  const directory = temporaryDirectory();
  const notes = join(directory, 'notes');
  const template: Resources = structuredClone({ Credentials: aTable('credentials'), ...resources });
  for (const [id, { Type, Properties }] of Object.entries(template)) {
    if (Type !== 'AWS::Lambda::Function') continue;
    const { S3Key } = Properties.Code as { S3Key: string };
    mkdirSync(join(directory, id));
    writeFileSync(join(directory, id, 'index.mjs'), `${PRELUDE}${S3Key}`);
    Properties.Code = { S3Key: id };
    Object.assign((Properties.Environment as { Variables: object }).Variables, { NOTES: notes });
  }
  return {
    assembly: {
      template: { Resources: Object.fromEntries(Object.entries(template)) },
      codeDirectory: (key: string) => join(directory, key),
    },
    /** The notes of the handlers so far, in order. */
    notes: (): any[] =>
      existsSync(notes)
        ? readFileSync(notes, 'utf8')
            .split('\n')
            .slice(0, -1) // what follows the last line's end is empty, or still being written
            .map((line) => JSON.parse(line))
        : [],
  };
}
