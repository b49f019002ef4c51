/** The template of the stage `local`, which the local stack runs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { byRole, ofType, type Resources } from '../support/template.ts';

const template = readFileSync(join(inject('assembly'), 'Laurel-local.template.json'), 'utf8');

export const resources = (JSON.parse(template) as { readonly Resources: Resources }).Resources;
export const functions = byRole(resources, 'AWS::Lambda::Function');
export const tables = byRole(resources, 'AWS::DynamoDB::GlobalTable');
export const queues = byRole(resources, 'AWS::SQS::Queue');
export const mappings = ofType(resources, 'AWS::Lambda::EventSourceMapping').map(([, { Properties }]) => Properties);
