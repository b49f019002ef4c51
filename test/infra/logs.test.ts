import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ofType } from '../support/template.ts';
import { functions, resources } from './template-under-test.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs/operating/logs.md'), 'utf8');
/** The cells of a table's rows between two markers of the page. */
const rowsOf = (marker: string): readonly string[][] =>
  (page.split(`<!-- ${marker} -->`)[1] ?? '')
    .split(`<!-- /${marker} -->`)[0]!
    .trim()
    .split('\n')
    .slice(2)
    .map((row) =>
      row
        .split('|')
        .map((cell) => cell.trim().replaceAll('`', ''))
        .slice(1, -1),
    );

describe('the access log', () => {
  const [[, stage]] = ofType(resources, 'AWS::ApiGatewayV2::Stage') as [[string, any]];
  const format: string = stage.Properties.AccessLogSettings.Format;
  const line = JSON.parse(format) as Readonly<Record<string, string>>;

  /** Values from the gateway itself. A client cannot put a quote into them. */
  const GATEWAYS_OWN = new Set([
    '$context.requestId',
    '$context.identity.sourceIp',
    '$context.httpMethod',
    '$context.routeKey',
    '$context.status',
    '$context.error.responseType',
    '$context.integration.status',
    '$context.responseLength',
    '$context.responseLatency',
  ]);

  it('contains no text from a client, so that no request can break its JSON', () => {
    const values = [...format.matchAll(/\$context\.[\w.]+/gu)].map(([variable]) => variable);

    expect(values.filter((variable) => !GATEWAYS_OWN.has(variable))).toEqual([]);
    expect(values).toEqual(
      expect.arrayContaining(['$context.routeKey', '$context.identity.sourceIp', '$context.error.responseType']),
    );
  });

  it('has the fields in the documentation', () => {
    expect(rowsOf('access-log').map(([field]) => field)).toEqual(Object.keys(line));
  });
});

describe('the filters of functions’ logs', () => {
  it('make the metrics that nearly every line has, by the name of the function', () => {
    const filters = ofType(resources, 'AWS::Logs::MetricFilter').map(([, { Properties }]) => Properties);
    const ofLambda = filters.filter(({ FilterPattern }) => !FilterPattern.includes('status'));
    const made = ofLambda.map(({ FilterPattern, LogGroupName, MetricTransformations: [metric] }) => {
      const name = resources[LogGroupName.Ref]!.Properties.LogGroupName as string;
      const figure = metric.MetricName as string;
      expect(FilterPattern).toBe(`{ $.${figure} >= 0 }`);
      const unit = figure === 'RefreshLag' ? 'Milliseconds' : 'Count';
      expect(metric).toEqual({
        ...{ MetricNamespace: 'Laurel', MetricName: figure, MetricValue: `$.${figure}`, Unit: unit },
        Dimensions: [{ Key: 'service', Value: '$.service' }],
      });
      return [name.slice('/aws/lambda/laurel-local-'.length), figure];
    });

    expect(made.toSorted()).toEqual([
      ['import-history', 'Accepted'],
      ['ingest-telemetry', 'Accepted'],
      ['refresh-score', 'RefreshLag'],
      ['take-hooks', 'Accepted'],
    ]);
  });
});

describe('every log', () => {
  const groups = ofType(resources, 'AWS::Logs::LogGroup').map(([, { Properties }]) => Properties);
  const kindOf = (name: string) => name.replace(/^(\/aws\/lambda\/)laurel-.*$/u, '$1laurel-<stage>-<function>');

  it('is kept for as long as documented', () => {
    const documented = new Map(rowsOf('retention').map(([group, , kept]) => [group, kept]));

    expect(groups).toHaveLength(functions.size + 1);
    for (const { LogGroupName, RetentionInDays } of groups) {
      const kind = kindOf(LogGroupName).replace('laurel-local-', 'laurel-<stage>-');
      expect(documented.get(kind), LogGroupName).toBe(`${RetentionInDays} days`);
    }
  });
});
