import './checked-community.ts';
import { options, outdir, stage } from './settings.ts';
import '../infra/bundle.ts'; // before the CDK, because it bundles while that is loaded
import { App, Validations } from 'aws-cdk-lib';
import { LaurelStack } from '../infra/laurel-stack.ts';

const app = new App({ outdir });
new LaurelStack(app, stage, options);
if (process.env.CDK_VALIDATION !== 'false') {
  const { AwsSolutionsChecks } = await import('cdk-nag');
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
}
const { directory, stacks } = app.synth();
console.log(
  `Wrote ${stacks.map(({ templateFile }) => templateFile).join(', ')} and the functions' bundles to ${directory}.`,
);
