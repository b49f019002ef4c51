import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Command } from 'commander';
import { createKey } from '../domain/identity/create-key.ts';
import { dynamoCredentials } from '../functions/adapters/dynamodb/credentials.dynamodb.ts';
import { clock, randomToken, sha256 } from '../functions/runtime/environment.ts';

/** The operator's command. It acts on a deployed stack with the AWS credentials of its environment. */
const laurel = new Command('laurel').description("The operator's command of Laurel");

const keys = laurel.command('keys').description('keys of a deployed stack');
keys
  .command('create-admin')
  .description('make an admin key: the first one of a new stack, with which all others are made over HTTP')
  .requiredOption('--stage <stage>', 'the stage that was deployed, such as dev')
  .option('--label <label>', 'what the list of keys calls it', 'first admin key')
  .option('--json', 'print the whole answer as JSON')
  .action(async ({ stage, label, json }: { stage: string; label: string; json?: true }) => {
    const credentials = dynamoCredentials(new DynamoDBClient(), `laurel-${stage}-credentials`);
    const created = await createKey({ credentials, clock, randomToken, sha256 }, { kind: 'admin', label });
    console.log(json === true ? JSON.stringify(created, null, 2) : created.key);
    if (json !== true) console.error('Keep it: it is shown this once, and Laurel keeps only its hash.');
  });

await laurel.parseAsync();
