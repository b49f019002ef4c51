import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { UnsupportedTemplateError } from './unsupported.ts';

const Resource = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.unknown().optional(), // everything is created in one fixed order: tables, queues, functions, sources
  DeletionPolicy: z.unknown().optional(), // nothing is ever deleted here but by --fresh
  UpdateReplacePolicy: z.unknown().optional(),
  Metadata: z.unknown().optional(),
});

const Template = z.object({ Resources: z.record(z.string(), Resource) });
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
