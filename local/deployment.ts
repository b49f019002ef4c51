import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { AwsCall } from './aws-client.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Assembly } from './template/assembly.ts';
import type { DeploymentModel } from './template/stack-model.ts';

/** Names a template and, by the hashes of its assets, the code of its functions. */
const hashOf = ({ template }: Assembly): string =>
  createHash('sha256').update(JSON.stringify(template)).digest('hex').slice(0, 16);

/**
 * A start on data that another template wrote, or the same template with other code, is a deployment. `announce` sends what
 * the template's rule sends after one. It is called when the queues are there. If a
 * start ends before that, the next one sends it.
 */
export function deploymentOf(data: DataDirectory, assembly: Assembly) {
  const file = data.file('deployed');
  const hash = hashOf(assembly);
  const isNew = !existsSync(data.file('admin-key'));
  const isChanged = !isNew && (!existsSync(file) || readFileSync(file, 'utf8') !== hash);
  return {
    isChanged,
    async announce(messages: readonly DeploymentModel[], call: AwsCall): Promise<void> {
      for (const { queue, input } of isChanged ? messages : []) {
        await call('AmazonSQS.SendMessage', { QueueUrl: queue.url, MessageBody: input });
      }
      writeFileSync(file, hash, { mode: 0o600 });
    },
  };
}
