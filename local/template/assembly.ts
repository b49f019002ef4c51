import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { withoutMeaning } from './resources.ts';
import { UnsupportedTemplateError } from './unsupported.ts';

export const Resource = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: withoutMeaning('all is created in one fixed order: tables, queues, functions, sources'),
  DeletionPolicy: withoutMeaning('only --fresh deletes, and it is meant to'),
  UpdateReplacePolicy: withoutMeaning('a table of another shape stops boot'),
  Metadata: withoutMeaning('for the CDK itself'),
});

/** Strict: conditions, mappings and macros would change what the resources are. */
export const Template = z.strictObject({
  Resources: z.record(z.string(), Resource),
  Description: withoutMeaning('for readers'),
  Outputs: withoutMeaning('`local.json` says where the stack is'),
  Parameters: withoutMeaning('the CDK asks for its bootstrap version; a reference to a parameter stops boot'),
  Rules: withoutMeaning('the CDK checks its bootstrap version'),
  Metadata: withoutMeaning('for the CDK itself'),
});
export type Template = z.infer<typeof Template>;
export type Resource = z.infer<typeof Resource>;

const AssetManifest = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string(), packaging: z.string() }) })),
});

/** A synthesized stack: its template, and where the code of its functions lies. */
export type Assembly = {
  readonly template: Template;
  /** The folder of the bundle that a function's `Code.S3Key` names. */
  codeDirectory(s3Key: string): string;
};

/** Reads `<directory>/<stackName>.template.json` and its asset manifest. Throws where either is missing or malformed. */
export function readAssembly(directory: string, stackName: string): Assembly {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const parsed = Template.safeParse(read(`${stackName}.template.json`));
  if (!parsed.success) throw new UnsupportedTemplateError(`${stackName}: ${z.prettifyError(parsed.error)}`);
  const { files } = AssetManifest.parse(read(`${stackName}.assets.json`));
  return {
    template: parsed.data,
    codeDirectory(s3Key) {
      const asset = files[s3Key.replace(/\.zip$/, '')];
      if (asset === undefined) throw new UnsupportedTemplateError(`No asset of this assembly is ${s3Key}`);
      return join(directory, asset.source.path);
    },
  };
}
