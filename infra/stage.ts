import { RemovalPolicy } from 'aws-cdk-lib';
import * as z from 'zod';

const StageName = z.string().regex(/^[a-z][a-z0-9-]{0,19}$/, 'a stage is 1 to 20 of a-z 0-9 -, starting with a letter');

/** Stages whose data may go with their stack; any other keeps its tables when the stack goes. */
const THROWAWAY_STAGES: ReadonlySet<string> = new Set(['local', 'dev']);

export type Stage = { readonly name: string; readonly keepsData: boolean };

/** Throws on a name that cannot be part of a physical name. */
export const stageOf = (name: string): Stage => ({
  name: StageName.parse(name),
  keepsData: !THROWAWAY_STAGES.has(name),
});

/** Deterministic, so that the operator's command finds a resource by its stage. */
export const physicalName = (stage: Stage, role: string): string => `laurel-${stage.name}-${role}`;

export const removalPolicyOf = (stage: Stage): RemovalPolicy =>
  stage.keepsData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;

/** Says which part of Laurel a resource plays; the local stack and the operator's command read it. */
export const ROLE_TAG = 'laurel:role';
