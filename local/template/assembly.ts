import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { withoutMeaning } from './resources.ts';
import { UnsupportedTemplateError } from './unsupported.ts';

export const Resource = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: withoutMeaning('resources are created in one fixed order: tables, queues, functions, sources'),
  DeletionPolicy: withoutMeaning('only --fresh deletes data'),
  UpdateReplacePolicy: withoutMeaning('a table with another shape stops boot'),
  Metadata: withoutMeaning('only the CDK uses it'),
});

/** Strict, because conditions, mappings and macros would change the resources. */
const Template = z.strictObject({
  Resources: z.record(z.string(), Resource),
  Description: withoutMeaning('for readers'),
  Outputs: withoutMeaning('`local.json` has the addresses'),
  Parameters: withoutMeaning('the CDK asks for its bootstrap version; a reference to a parameter stops boot'),
  Rules: withoutMeaning('the CDK checks its bootstrap version'),
  Metadata: withoutMeaning('only the CDK uses it'),
});
export type Template = z.infer<typeof Template>;
export type Resource = z.infer<typeof Resource>;

const AssetManifest = z.object({
  files: z.record(z.string(), z.object({ source: z.object({ path: z.string(), packaging: z.string() }) })),
});

/** A synthesized stack: its template and the folders of its functions' code. */
export type Assembly = {
  readonly template: Template;
  /** The folder of the bundle with this `Code.S3Key`. */
  codeDirectory(s3Key: string): string;
};

/** Reads `<directory>/<stackName>.template.json` and its asset manifest. Throws if either is missing or malformed. */
export function readAssembly(directory: string, stackName: string): Assembly {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const parsed = Template.safeParse(read(`${stackName}.template.json`));
  if (!parsed.success) throw new UnsupportedTemplateError(`${stackName}: ${z.prettifyError(parsed.error)}`);
  const { files } = AssetManifest.parse(read(`${stackName}.assets.json`));
  return {
    template: parsed.data,
    codeDirectory(s3Key) {
      const asset = files[s3Key.replace(/\.zip$/, '')];
      if (asset === undefined) throw new UnsupportedTemplateError(`This assembly has no asset ${s3Key}`);
      return join(directory, asset.source.path);
    },
  };
}
