import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import createClient from 'openapi-fetch';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';
import { stack } from '../support/shared-stack.ts';

/** A client with types generated from the published document, by a third-party generator. */
let document: any;
let operations: { method: string; path: string; operation: any }[];
beforeAll(async () => {
  document = await (await fetch(`${stack.baseUrl}/openapi.json`)).json();
  operations = Object.entries<any>(document.paths).flatMap(([path, methods]) =>
    Object.entries<any>(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  );
});

/** The smallest valid value of a schema. */
function valueOf(schema: any): unknown {
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0] ?? schema.allOf?.[0];
  if (choice !== undefined) return valueOf(choice);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  if (schema.type === 'object') {
    return Object.fromEntries((schema.required ?? []).map((name: string) => [name, valueOf(schema.properties[name])]));
  }
  if (schema.type === 'array') return [valueOf(schema.items)];
  if (schema.type === 'integer' || schema.type === 'number') return 1;
  return 'ada';
}

const optionsOf = ({ parameters = [], requestBody }: any) => {
  const of = (place: string) => {
    const needed = parameters.filter((each: any) => each.in === place && each.required);
    const values = needed.map(({ name, schema }: any) => [name, valueOf(schema)]);
    return values.length === 0 ? {} : { [place]: Object.fromEntries(values) };
  };
  const schema = requestBody?.content['application/json'].schema;
  return { params: { ...of('path'), ...of('query') }, ...(schema && { body: valueOf(schema) }) };
};

it('compiles a call of every route, and each answers as documented', async () => {
  const folder = mkdtempSync(join(import.meta.dirname, '.client-'));
  try {
    writeFileSync(join(folder, 'types.ts'), astToString(await openapiTS(document)));
    const calls = operations.map(
      ({ method, path, operation }) =>
        `await client.${method}(${JSON.stringify(path)}, ${JSON.stringify(optionsOf(operation))});`,
    );
    const program = join(folder, 'calls.ts');
    const head = `import createClient from 'openapi-fetch';\nimport type { paths } from './types.ts';\nconst client = createClient<paths>();\n`;
    writeFileSync(program, `${head}export async function calls() {\n${calls.join('\n')}\n}\n`);
    const compiled = ts.createProgram([program], {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ESNext,
      types: [],
    });
    const faults = ts
      .getPreEmitDiagnostics(compiled)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
    expect(faults).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }

  const client: any = createClient({ baseUrl: stack.baseUrl, headers: { 'x-api-key': stack.adminKey } });
  for (const { method, path, operation } of operations) {
    const { response } = await client[method](path, { ...optionsOf(operation), parseAs: 'text' }); // pages are HTML
    expect(Object.keys(operation.responses), `${method} ${path}`).toContain(String(response.status));
  }
});
