import type { FunctionModel } from '../template/stack-model.ts';

/** The environment of a function: the template's, and what Lambda adds. The access key names the function to the proxy. */
export function environmentOf(
  fn: Pick<FunctionModel, 'name' | 'memoryMb' | 'environment'>,
  { accessKeyId, endpoint, region }: Record<'accessKeyId' | 'endpoint' | 'region', string>,
): Record<string, string> {
  return {
    ...fn.environment,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
    AWS_ENDPOINT_URL_LAMBDA: endpoint,
    AWS_LAMBDA_FUNCTION_NAME: fn.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(fn.memoryMb),
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    TZ: ':UTC',
  };
}
